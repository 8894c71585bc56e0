"""From a member's words to a picture in front of its people.

Owns the package. Never imports anything.
"""
