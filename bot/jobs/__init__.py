"""From requests to jobs: drafts, models and defaults, submission; and rows, history and stored pictures."""
