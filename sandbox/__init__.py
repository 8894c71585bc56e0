"""The real bot on a simulated Discord, with a fake Rivya. Nothing in `bot` or `cogs` imports this package."""
