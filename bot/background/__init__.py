"""Periodic work beside the jobs: maintenance, alerts, the balance at Rivya."""
