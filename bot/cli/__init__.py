"""The commands `check` and `operator` of the command line."""
