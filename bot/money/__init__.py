"""Whose credits, how many, until when: limits, grants, reservations and the sums of them.

Owns the package. Never imports anything.
"""
