"""The command line: its arguments, its output, and the commands except `run`."""
