"""`/operator`: balance, guilds, ceilings, pauses and reconciliation."""
