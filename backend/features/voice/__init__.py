"""Voice: each device has its own conversation."""
