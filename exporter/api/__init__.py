"""How the Ultravox API is asked.

    client      one account: its API key, its requests, and what a failed response means
    transport   one request and its response
    resolver    the addresses of host names, in threads of the account's own
    body        the body of a response in bounded memory
    rate_limit  who may send a request: request slots, rate limit, holds
    retry       which failures are retried, and when
    deadline    one deadline for a whole poll
    pagination  from page to page by cursor, to a certain end
    decoding    bytes as typed records; an unreadable record has no effect on the others
    schemas     the records of the API; fields that are not named are never decoded

Marks in docstrings say where a fact about the API comes from: documented (the published schema),
observed (in public recordings) or inferred.
"""
