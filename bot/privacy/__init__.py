"""Personal data: export, erasure, anonymisation, and guilds that the bot has left."""
