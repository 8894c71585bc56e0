"""What admins decide for their guild, apart from credits: settings, access rules, presets, pauses."""
