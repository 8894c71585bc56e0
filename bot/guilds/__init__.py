"""Decisions about a guild, apart from credits: settings, access rules, presets, pauses."""
