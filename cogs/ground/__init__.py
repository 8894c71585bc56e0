"""What every command stands on: first answers, guards, cards, the words that all share.

Owns the package. Never imports anything.
"""
