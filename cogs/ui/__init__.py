"""What all commands share: layout, Discord's limits, responses, buttons, error reports."""
