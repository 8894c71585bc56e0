"""The jobs table and what reads it: drafts, history, derived requests, member defaults, kept pictures."""
