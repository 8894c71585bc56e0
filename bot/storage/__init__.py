"""The SQLite database with its schema and migrations, its lock and backups, and the stored pictures."""
