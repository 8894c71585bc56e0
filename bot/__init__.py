"""Kuas: members of a Discord server ask for a picture, Rivya paints it, every credit is booked."""

import sys

__version__ = "0.1.0"

if sys.platform == "win32":  # before any other import, as some of them fail there
    sys.exit("Kuas does not run on Windows; it needs Linux, such as the Windows Subsystem for Linux (WSL 2)")
