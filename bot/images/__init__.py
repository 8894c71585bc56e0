"""Download, verify, normalise and encode pictures."""
