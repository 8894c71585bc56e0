"""Files: the SQLite database with its schema and migrations, backups, locks, stored pictures."""
