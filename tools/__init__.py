"""For a checkout only; not shipped in the wheel."""
