"""The Gantt chart of a task: when each step waited, was queued and ran."""
