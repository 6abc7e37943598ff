"""Accounts, devices, channels, rules, triggers, profiles."""
