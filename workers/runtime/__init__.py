"""The process `tasker worker`: claims steps, runs their handlers, submits the results."""
