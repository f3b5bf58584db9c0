"""What the user's own file says of colours: own themes, the theme to begin with, the colours of profiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.color import Color, ColorParseError
from textual.theme import Theme

from tasker_tui.themes import DARK, THEMES
from tasker_tui.toml_lines import Document, Names

COLORS = (
    "primary", "secondary", "accent", "warning", "error", "success", "foreground", "background", "surface",
    "panel",
)  # fmt: skip
OWN_TEXTS = ("muted-text", "faint-text")
"""Of what is less important, and of what cannot be done now; else they are made of the foreground."""
STYLED = "text-style"
"""Variables with this in their names are styles, such as `bold`."""


def read_themes(document: Document) -> list[Theme]:
    """The section `themes`. Raises ConfigError."""
    return [_read_theme(document, name) for name in document.table(("themes",))]


def read_theme_name(document: Document, names: Iterable[str]) -> str | None:
    """The theme to begin with, None if the file names none. Raises ConfigError."""
    found: str | None = document.value(("theme",), str)
    if found is not None:
        document.refuse_unknown(("theme",), names, found)
    return found


def check_colors(document: Document) -> None:
    """Raise ConfigError for a profile whose colour is none."""
    for name in document.table(("profiles",)):
        color = document.value(("profiles", name, "color"), str, "")
        if color:
            _check_color(document, ("profiles", name, "color"), color)


def is_color(text: str) -> bool:
    """Whether it can be shown."""
    try:
        Color.parse(text)
    except ColorParseError:
        return False
    return True


def _read_theme(document: Document, name: str) -> Theme:
    path = ("themes", name)
    given = document.table(path, ("base", "dark", *COLORS, *OWN_TEXTS, *DARK.variables))
    bases = {theme.name: theme for theme in THEMES}
    base = document.value((*path, "base"), str, DARK.name)
    document.refuse_unknown((*path, "base"), bases, base)
    theme = replace(bases[base], name=name, variables=dict(bases[base].variables))
    theme.dark = document.value((*path, "dark"), bool, theme.dark)
    for key in given:
        if key in ("base", "dark"):
            continue
        value = document.value((*path, key), str)
        if STYLED not in key:
            _check_color(document, (*path, key), value)
        if key in COLORS:
            setattr(theme, key, value)
        else:
            theme.variables[key] = value
    return theme


def _check_color(document: Document, path: Names, text: str) -> None:
    if not is_color(text):
        raise document.error(path, f"{text!r} is no colour", "such as #b00020, red, rgb(176,0,32)")
