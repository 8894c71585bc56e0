"""Compare the ledger with Rivya and correct it."""
