"""The real bot on a simulated Discord, with a stand-in of Rivya. Nothing in `bot` or `cogs` imports it."""
