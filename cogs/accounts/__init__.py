"""What was spent and what is left, asked for or told unasked.

Owns the package. Never imports anything.
"""
