"""The report about the credits of a guild: queries, chart, CSV."""
