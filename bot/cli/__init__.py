"""The larger commands of the command line: `check` and `operator`."""
