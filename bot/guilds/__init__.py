"""What a guild's rows say, apart from credits: admission, settings, access, presets, pauses, greetings."""
