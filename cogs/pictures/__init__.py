"""Delivered pictures: their buttons, details and history."""
