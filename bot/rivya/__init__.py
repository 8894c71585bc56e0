"""A client of Rivya's HTTP API: https://rivya.ai/docs."""
