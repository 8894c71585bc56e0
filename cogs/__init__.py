"""Discord in, Discord out; decides nothing."""
