"""When the API is asked, and what becomes of its answers."""
