"""Fixtures for every test."""

pytest_plugins = [
    "tests.support.collector",
    "tests.support.forks",
    "tests.support.postgres",
    "tests.support.rabbit",
    "tests.support.stack",
    "tests.support.invariants",
]
