"""The handlers of the bundled workflows, one module a workflow."""
