"""Periodic tasks: maintenance, alerts, greetings, servers that wait, the balance and the models at Rivya."""
