"""A guest in the house: the real bot, a simulated Discord, a stand-in of Rivya. Nothing in the bot knows it.

Owns the package. Never imports anything.
"""
