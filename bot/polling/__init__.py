"""When to look at a task, and what its end teaches.

Owns the package. Never imports anything.
"""
