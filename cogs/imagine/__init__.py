"""`/imagine`: the command, its form, the price question, defaults, presets, context menus."""
