"""Operators' work, through the dashboard's keys, on a real stack."""
