"""How the Ultravox API is asked.

    client    one account: its key, its questions, and what an answer's failure means
    exchange  one request and its answer
    throttle  the pace of one account's requests
    retry     which failures are worth another try, and when
    deadline  one deadline over a whole poll
    paging    from page to page by cursor, to a certain end
    wire      the answers as typed records; whatever they do not name is never decoded

Marks in docstrings say where a fact about the API comes from: documented (the published schema),
observed (in public recordings) or inferred.
"""
