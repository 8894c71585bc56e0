"""Who may paint where, and with which words: what the admins of a server have decided.

Owns the package. Never imports anything.
"""
