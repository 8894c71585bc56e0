"""What an operator watches: logs, metrics, the health endpoint."""
