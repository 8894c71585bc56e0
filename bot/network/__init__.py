"""Proxies, certificate authorities, which addresses are public, and headers that all HTTP clients read."""
