"""The command `init`: the settings, asked for and written to a file."""
