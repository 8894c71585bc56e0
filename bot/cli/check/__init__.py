"""The command `check`: what a start needs, examined and printed."""
