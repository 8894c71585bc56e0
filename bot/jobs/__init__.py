"""The jobs table and its readers: drafts, history, derived requests, member defaults, kept pictures."""
