"""The discord.py client, its login, the synchronisation of commands, Discord's errors and permissions."""
