"""The one form that audio has on its way to the recogniser: PCM16LE, mono, 16 kHz."""

RATE = 16_000
"""Samples a second."""
WIDTH = 2
"""Bytes of a sample."""
SECOND = RATE * WIDTH
"""Bytes a second."""
