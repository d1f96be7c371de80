"""What is served over HTTP.

server   the application: /metrics, the landing page, health; and its listening
address  listen addresses as flags write them
"""
