"""Workers: how much is done at once, and who waits for its turn."""
