"""Periodic tasks: maintenance, alerts, the balance at Rivya."""
