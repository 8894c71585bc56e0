"""Alerts to admins and to the operator."""
