"""`tasker bench`: drives a running system from outside and reports figures, with a baseline beside them."""
