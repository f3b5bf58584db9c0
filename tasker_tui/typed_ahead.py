"""Keys one at a time: what is typed in one go does what it would do key by key.

Textual hands a key to the widget that has the focus and goes on to the next one, though only when the first
has come up again is it known what it does. Letters behind a colon would reach the list below the line that
the colon opens, and act as keys there: over a slow line that is how a task is cancelled by accident.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.events import Event, Key
    from textual.message_pump import MessagePump

PATIENCE_SECONDS = 0.25
"""A key whose widget has gone in the meantime does not come back."""


class KeyPassed(Message):
    """Goes the way of a key, behind it: where it arrives, the key has been seen to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TypedAhead:
    """Holds keys back until the one before has done its work; `proceed` is the app's way with an event."""

    def __init__(self, app: App[None], proceed: Callable[[Event], Awaitable[None]]) -> None:
        self._app, self._proceed = app, proceed
        self._held: deque[Key] = deque()
        self._busy = False
        self._screen: object = None
        self._way: MessagePump = app
        # Of the last message behind the key: whether it was sent, ends the wait, is not waited for forever.
        self._number = 0
        self._sent = self._last = self._guarded = False

    async def take(self, key: Key) -> None:
        """A key from the terminal, or one that nobody below has used up."""
        if key.is_forwarded:
            await self._proceed(key)
            self._send(self._app, last=True)
        elif self._busy:
            self._held.append(key)
            self._ask()
        else:
            await self._pass(key)

    async def passed(self, number: int) -> None:
        """What came before the message has been seen to. The focus that a key has called for comes behind it,
        and the one of a screen that it has opened when that is there."""
        if number != self._number or not self._busy:
            return
        if not self._last:
            self._send(self._app, last=True)
        elif self._screen is not self._app.screen:
            self._screen = self._app.screen
            self._send(self._app.screen, last=True)
        else:
            self._busy = False
            if self._held:
                await self._pass(self._held.popleft())

    async def _pass(self, key: Key) -> None:
        app = self._app
        self._busy, self._sent = True, False
        self._screen, self._way = app.screen, app.focused or app.screen
        await self._proceed(key)
        if not key.is_forwarded:
            self._send(app, last=True)
        elif self._held:
            self._ask()

    def _ask(self) -> None:
        """A widget that uses a key up says nothing; one that has gone since would never answer."""
        there = self._way.is_running and self._way.is_attached
        if not self._sent:
            self._send(self._way if there else self._app, last=False)
        elif not self._guarded:
            self._guard()

    def _send(self, way: MessagePump, *, last: bool) -> None:
        self._number += 1
        self._sent, self._last, self._guarded = True, last, False
        way.post_message(KeyPassed(self._number))
        if self._held:
            self._guard()

    def _guard(self) -> None:
        self._guarded = True
        late = KeyPassed(self._number)
        self._app.set_timer(PATIENCE_SECONDS, lambda: self._app.post_message(late))
