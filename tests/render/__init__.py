"""How metrics become the bytes of a scrape."""
