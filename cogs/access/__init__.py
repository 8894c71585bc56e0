"""Who may paint where, and with which words, as admins say it.

Owns the package. Never imports anything.
"""
