"""The Rivya API: `client` has the sockets, `models` what is said, `answers` what a refusal means.

Owns the package. Never imports anything.
"""
