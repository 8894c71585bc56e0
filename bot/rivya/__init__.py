"""The Rivya API: `models` is the wire, `client` the sockets.

Owns the package. Never imports anything.
"""
