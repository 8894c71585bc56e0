"""Pictures as bytes: downloading, checking, normalising, encoding."""
