"""The settings: their keys, the checks of their values, and the messages about mistakes."""
