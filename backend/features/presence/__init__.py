"""Which devices are really there."""
