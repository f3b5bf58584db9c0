"""Dialogs over a screen. Each keeps what it is about as it was when it opened."""
