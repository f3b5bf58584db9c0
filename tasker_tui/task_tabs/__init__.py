"""The tabs of the task screen, each a widget of its own; the screen keeps them at the same step and state."""
