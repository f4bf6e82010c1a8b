"""Metrics, by name: exact, small, documented functions."""
