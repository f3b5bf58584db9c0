"""Faults of every kind, from seeds."""
