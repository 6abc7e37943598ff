"""Topics of a conversation."""
