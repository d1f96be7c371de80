"""How the API is asked: typed answers, paging, errors."""
