"""How metrics become the bytes of a scrape.

exposition   the body of one scrape; rendering as soon as an agent's data change
cache        what is rendered of each agent, kept until it changes
chunk        batches rendered together, kept until one of them changes
gzip_stream  compressed fragments, and one gzip member made of them
text         the two text formats: numbers, headers, lines
checkpoint   points at which long work lets other tasks run
"""
