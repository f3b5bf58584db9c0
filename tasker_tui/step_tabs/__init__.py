"""The tabs of the step screen, each a widget of its own; the screen gives them the facts."""
