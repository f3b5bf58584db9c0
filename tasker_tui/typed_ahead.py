"""Keys one at a time: what is typed in one go does what it would do key by key.

Textual hands a key to the widget that has the focus and goes on to the next one, though only when the first
has come up again is it known what it does. Letters behind a colon would reach the list below the line that
the colon opens, and act as keys there: over a slow line that is how a task is cancelled by accident.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from textual.events import Event, Key, MouseDown, MouseUp, Paste
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump

Typed: TypeAlias = Key | Paste | MouseDown | MouseUp

PATIENCE_SECONDS = 0.25
"""A key whose widget has gone in the meantime does not come back."""
ROUNDS = {"enter": 3, "escape": 3}
"""They are messages of a field to itself, and those are messages of its line: each comes behind the other.
More than one round for every key would take milliseconds of its picture."""


class KeyPassed(Message):
    """Goes the way of a key, behind it: where it arrives, the key has been seen to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class TypedAhead:
    """Holds keys back until the one before has done its work; `proceed` is the app's way with an event."""

    def __init__(self, app: App[None], proceed: Callable[[Event], Awaitable[None]]) -> None:
        self._app, self._proceed = app, proceed
        self._held: deque[Typed] = deque()
        self._busy = False
        self._screen: object = None
        self._way: MessagePump = app
        self._number = self._rounds = 0
        # Of the last message behind the key: whether it was sent, and is not waited for forever.
        self._sent = self._guarded = False

    async def take(self, key: Typed) -> None:
        """A key, a paste or a click from the terminal, or one that nobody below has used up."""
        if key.is_forwarded:
            await self._proceed(key)
            if isinstance(key, Key):
                self._round(ROUNDS.get(key.key, 1))
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
        if self._rounds:
            self._round(self._rounds)
        elif self._screen is not self._app.screen:
            self._screen = self._way = self._app.screen
            self._send(self._way)
        else:
            self._busy = False
            while self._held and not self._busy:
                await self._pass(self._held.popleft())

    async def _pass(self, key: Typed) -> None:
        app = self._app
        if not isinstance(key, Key):
            await self._proceed(key)
            return
        self._busy, self._sent = True, False
        self._screen, self._way = app.screen, app.focused or app.screen
        await self._proceed(key)
        if not key.is_forwarded:
            self._round(1)
        elif self._held:
            self._ask()

    def _ask(self) -> None:
        """A widget that uses a key up says nothing, and one that has gone since took the message with it."""
        if not self._sent or not self._stays:
            self._round(2)
        elif not self._guarded:
            self._guard()

    @property
    def _stays(self) -> bool:
        return self._screen is self._app.screen and self._way.is_running and self._way.is_attached

    def _round(self, rounds: int) -> None:
        """The way of the key so often, the last time from the app alone; who has gone would never answer."""
        stays = self._stays
        self._rounds = rounds - 1 if stays else 0
        self._send(self._way if stays and rounds > 1 else self._app)

    def _send(self, way: MessagePump) -> None:
        self._number += 1
        self._sent, self._guarded = True, False
        way.post_message(KeyPassed(self._number))
        if self._held:
            self._guard()

    def _guard(self) -> None:
        self._guarded = True
        late = KeyPassed(self._number)
        self._app.set_timer(PATIENCE_SECONDS, lambda: self._app.post_message(late))
