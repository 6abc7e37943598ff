"""Accounts, devices, roles."""
