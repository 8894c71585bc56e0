"""What a server may spend, and what else its admins decide.

Owns the package. Never imports anything.
"""
