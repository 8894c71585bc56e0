"""The commands `init`, `check` and `operator` of the command line."""
