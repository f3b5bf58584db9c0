"""What `tasker bench` runs: handlers that do nothing, so that Tasker itself is measured."""
