"""The drawn graph of a task's steps: layout, routing, glyphs and cursor are pure; `view` is the widget."""
