"""How connections leave this machine: proxies, certificate authorities, and which addresses are public."""
