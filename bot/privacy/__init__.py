"""What is kept of a person: export, erasure, anonymisation; guilds that the bot has left."""
