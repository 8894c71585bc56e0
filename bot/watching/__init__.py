"""What is watched while jobs walk: Rivya, the wallet, the numbers for a host.

Owns the package. Never imports anything.
"""
