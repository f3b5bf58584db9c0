"""The workflows that come with Tasker, in the namespace `example`.

`TEMPLATES` is the folder of their templates; their handlers are registered by
`registry.discover_handlers("workers.examples.handlers")`.
"""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
