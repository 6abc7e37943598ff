"""Pure: what decides, and never waits."""
