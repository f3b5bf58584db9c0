"""Keys on the dashboard under test, and what a person reads of it."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.tui.support import screen_text, settle


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one by one, each when the one before has done what it does."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def type_in(pilot: Pilot[None], text: str) -> None:
    """Type a text into the field that has the focus."""
    names = {" ": "space", ":": "colon", "/": "slash"}
    await pilot.press(*(names.get(character, character) for character in text))
    await settle(pilot)


def last_line(pilot: Pilot[None]) -> str:
    """Where one is, and the hints."""
    return screen_text(pilot).splitlines()[-1]


def notices(pilot: Pilot[None]) -> list[str]:
    """What was said in the corner."""
    return [notice.message for notice in pilot.app._notifications]
