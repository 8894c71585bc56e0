"""`/limits`: credit limits, grants, refunds, settings of a guild and the audit log."""
