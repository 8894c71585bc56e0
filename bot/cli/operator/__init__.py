"""The command `operator`: the operator's actions, each a subcommand."""
