"""What a server gets when the bot joins it: the greeting, and `/setup` with its form."""
