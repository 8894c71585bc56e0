"""Reports on the credits of a guild: queries, chart, CSV file."""
