"""Discord in, Discord out; decides nothing.

Owns the package. Never imports anything.
"""
