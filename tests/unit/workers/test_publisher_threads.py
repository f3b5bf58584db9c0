"""Publishers that hang, and come back."""

import sys
import threading

import pytest

from tests.support.waiting import until
from workers.runtime.publisher_threads import PublisherHangs, PublisherThreads


async def test_a_publisher_that_returned_late_is_called_again():
    threads, released = PublisherThreads(), threading.Event()
    with pytest.raises(PublisherHangs, match="did not return within 2 s"):
        await threads.run("late", released.wait)
    with pytest.raises(PublisherHangs, match="has not returned from an earlier event"):
        await threads.run("late", lambda: 1)
    assert await threads.run("other", lambda: 1) == 1
    released.set()

    async def called():
        try:
            return await threads.run("late", lambda: 2)
        except PublisherHangs:
            return None

    assert await until(called, "it is called again") == 2


async def test_what_a_call_raises_comes_back():
    threads = PublisherThreads()
    with pytest.raises(KeyError):
        await threads.run("a", lambda: {}["missing"])
    with pytest.raises(RuntimeError, match="SystemExit: bye"):
        await threads.run("a", lambda: sys.exit("bye"))
