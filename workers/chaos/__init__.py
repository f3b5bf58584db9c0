"""The handlers and templates of `tasker chaos`."""
