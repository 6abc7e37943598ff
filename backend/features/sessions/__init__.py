"""The exclusive, leased right to use a device."""
