"""Acceptance tests: workflows through HTTP, against real processes on a real PostgreSQL.

Nothing in here knows the engine's insides: it imports httpx, `workers` (as a user's handlers do) and the
standard library. Handlers and templates of the tests are in folders of their own; what a handler is to do
wrong stands in the task's context (`handlers/graph.py`).
"""
