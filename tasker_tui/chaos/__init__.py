"""`tasker chaos`: a system under load whose parts are killed, stopped and cut off, and what came of it."""
