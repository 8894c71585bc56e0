"""Requests until they are submitted as jobs: options, defaults, drafts, models, prices and checks."""
