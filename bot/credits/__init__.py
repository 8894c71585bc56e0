"""Credits: ledger, limits, grants, alerts, audit log."""
