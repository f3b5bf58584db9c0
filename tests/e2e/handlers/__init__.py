"""Handlers of the acceptance tests, written as a user writes them: against `workers` alone."""
