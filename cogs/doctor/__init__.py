"""`/doctor`: what the bot lacks in a channel."""
