"""Fixtures for every test."""

from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("tasker", parent=settings(), deadline=None)
settings.load_profile("tasker")

pytest_plugins = [
    "tests.support.collector",
    "tests.support.forks",
    "tests.support.postgres",
    "tests.support.rabbit",
    "tests.support.stack",
    "tests.support.invariants",
]
