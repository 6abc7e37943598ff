"""Provisioning: a board comes to its credentials with a one-time claim code."""
