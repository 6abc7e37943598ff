"""Channels: what the holder of a floor says goes to all who listen."""
