"""`python -m tasker_tui.cli` is `tasker`."""

from tasker_tui.cli.entry import main

main()
