"""Kuas: members of a Discord server ask for a picture, Rivya paints it, every credit is booked."""
