"""Accounts, devices, channels, rules."""
