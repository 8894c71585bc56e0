"""Settings: what can be configured, how a value is checked, how mistakes are reported."""
