"""Themes, and the colours that line widgets paint with. States keep their shapes in every one of them."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from tasker_tui.states import Tone

DARK = Theme(
    name="tasker-dark",
    primary="#5ccfe6",
    secondary="#7aa2f7",
    accent="#ffb454",
    warning="#ffcc66",
    error="#ff6a76",
    success="#87d96c",
    foreground="#ccd3e0",
    background="#0e131b",
    surface="#131a25",
    panel="#1b2433",
    dark=True,
    variables={
        "tone-idle": "#7d8aa1",
        "tone-queued": "#a3b1ca",
        "tone-running": "#5ccfe6",
        "tone-waiting": "#ffcc66",
        "tone-ok": "#87d96c",
        "tone-failed": "#ff6a76",
        "tone-stopped": "#8a7f98",
        "tone-manual": "#d2a6ff",
        "border": "#2f3d55",
        "border-blurred": "#232e41",
        "block-cursor-background": "#24344d",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "input-selection-background": "#5ccfe6 30%",
        "scrollbar": "#2a3850",
        "scrollbar-hover": "#3b4d6c",
        "scrollbar-active": "#5ccfe6",
        "scrollbar-background": "#0e131b",
        "scrollbar-background-hover": "#0e131b",
        "scrollbar-background-active": "#0e131b",
        "scrollbar-corner-color": "#0e131b",
    },
)
LIGHT = Theme(
    name="tasker-light",
    primary="#0f6f8c",
    secondary="#3557a8",
    accent="#b45309",
    warning="#8f6400",
    error="#c0263a",
    success="#2f7d32",
    foreground="#1f2937",
    background="#f7f8fa",
    surface="#eef1f5",
    panel="#e1e6ed",
    dark=False,
    variables={
        "muted-text": "#5c6675",
        "tone-idle": "#646f7f",
        "tone-queued": "#475569",
        "tone-running": "#0f6f8c",
        "tone-waiting": "#8f6400",
        "tone-ok": "#2f7d32",
        "tone-failed": "#c0263a",
        "tone-stopped": "#736880",
        "tone-manual": "#7c3aad",
        "border": "#b9c3d1",
        "border-blurred": "#d5dbe4",
        "block-cursor-background": "#cfe3ee",
        "block-cursor-foreground": "#0b1220",
        "block-cursor-text-style": "bold",
        "scrollbar": "#c3ccd8",
        "scrollbar-background": "#f7f8fa",
        "scrollbar-background-hover": "#f7f8fa",
        "scrollbar-background-active": "#f7f8fa",
        "scrollbar-corner-color": "#f7f8fa",
    },
)
CONTRAST = Theme(
    name="tasker-contrast",
    primary="#00e5ff",
    secondary="#9db8ff",
    accent="#ffd500",
    warning="#ffd500",
    error="#ff8080",
    success="#5dff5d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    text_alpha=1.0,
    variables={
        "muted-text": "#c0c0c0",
        "faint-text": "#8a8a8a",
        "tone-idle": "#c0c0c0",
        "tone-queued": "#ffffff",
        "tone-running": "#00e5ff",
        "tone-waiting": "#ffd500",
        "tone-ok": "#5dff5d",
        "tone-failed": "#ff8080",
        "tone-stopped": "#c0c0c0",
        "tone-manual": "#ff9dff",
        "border": "#ffffff",
        "border-blurred": "#9a9a9a",
        "block-cursor-background": "#06304a",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "scrollbar": "#ffffff",
        "scrollbar-background": "#000000",
    },
)
THEMES = (DARK, LIGHT, CONTRAST)

_FALLBACK: dict[Tone, str] = {
    "idle": "foreground",
    "queued": "foreground",
    "running": "primary",
    "waiting": "warning",
    "ok": "success",
    "failed": "error",
    "stopped": "foreground",
    "manual": "secondary",
}
"""What a tone is in a theme that knows nothing of states."""


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as Rich styles without a background."""

    text: Style
    muted: Style
    faint: Style
    strong: Style
    accent: Style
    cursor: Style
    tones: dict[Tone, Style]
    wires: dict[Tone, Style]
    background: str

    def tone(self, tone: Tone, bold: bool = False) -> Style:
        """How something in a state of this tone is written."""
        return self.tones[tone] + Style(bold=True) if bold else self.tones[tone]


def make_palette(values: dict[str, str], no_color: bool = False) -> Palette:
    """The palette of a theme's CSS variables (`App.theme_variables`); without colour cursors are reversed."""
    ground = Color.parse(values["background"])
    ink = Color.parse(values["foreground"])
    tones = {tone: Color.parse(values.get(f"tone-{tone}", values[name])) for tone, name in _FALLBACK.items()}
    cursor_ground = Color.parse(values["block-cursor-background"])
    return Palette(
        text=_style(ink),
        muted=_style(Color.parse(values.get("muted-text") or ground.blend(ink, 0.62).hex)),
        faint=_style(Color.parse(values.get("faint-text") or ground.blend(ink, 0.32).hex)),
        strong=_style(ink) + Style(bold=True),
        accent=_style(Color.parse(values["primary"])),
        cursor=Style(reverse=True)
        if no_color
        else Style(bgcolor=ground.blend(cursor_ground, cursor_ground.a).rich_color, bold=True),
        tones={tone: _style(color) for tone, color in tones.items()},
        wires={tone: _style(ground.blend(color, _WIRE_STRENGTH[tone])) for tone, color in tones.items()},
        background=ground.hex,
    )


_WIRE_STRENGTH: dict[Tone, float] = {
    "idle": 0.5,
    "queued": 0.5,
    "running": 0.85,
    "waiting": 0.75,
    "ok": 0.5,
    "failed": 0.9,
    "stopped": 0.5,
    "manual": 0.6,
}
"""Lines are fainter than steps, those of trouble least so."""


def _style(color: Color) -> Style:
    return Style(color=color.rich_color)
