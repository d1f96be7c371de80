"""What is served over HTTP.

server        the application: /metrics, the landing page, health; and its listening sockets
connections   accepts connections, and bounds their number and their silence
scrape_slots  which scrapes are answered at the same time
negotiation   the format and the encoding that a scraper accepts
address       listen addresses as flags write them
"""
