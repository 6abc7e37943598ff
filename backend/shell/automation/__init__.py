"""Does what profiles say: one errand is one phase of one run."""
