"""Download, verify, normalise and encode pictures; draw charts."""
