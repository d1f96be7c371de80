"""What is served over HTTP.

server       the application: /metrics, the landing page, health; and its listening sockets
negotiation  the format and the encoding that a scraper accepts
address      listen addresses as flags write them
"""
