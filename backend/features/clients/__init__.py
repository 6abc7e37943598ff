"""Which apps of people are really there."""
