"""Words without Discord objects: translation, terms, error messages, escaping."""
