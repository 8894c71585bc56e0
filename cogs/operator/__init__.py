"""What concerns all servers, for whoever runs the bot.

Owns the package. Never imports anything.
"""
