"""Comparison of the ledger with Rivya, and its corrections."""
