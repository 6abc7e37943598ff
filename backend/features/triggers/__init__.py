"""Triggers and profiles: one subscription per profile, one session per subscription."""
