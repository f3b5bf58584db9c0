"""The handler of random workflows: fails, yields or returns what its step may.

The same attempt of the same task does the same again.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.support.random_templates import random_result
from workers import Batchable, PermanentError, RetryableError, StepContext, StepHandler


class RandomHandler(StepHandler, Batchable):
    """One attempt in six fails, half of these for good; one in four yields once before it goes on."""

    handler_name = "random"

    async def call(self, context: StepContext) -> Any:
        random = Random(f"{context.get_input('seed')} {context.step_name} {context.attempt}")
        failure, yields = random.randrange(12), random.randrange(4) == 0
        if yields and not context.has_checkpoint():
            return self.checkpoint_yield(1, 1, {})
        if failure == 0:
            raise PermanentError("this can't be done")
        if failure == 1:
            raise RetryableError("not now")
        return random_result(random.randrange, context.step_config)
