"""The discord.py client, its login and the synchronisation of commands."""
