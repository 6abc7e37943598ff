"""The Talkstick backend: ``__main__ > cli > app > shell > features > core``, each importing only to its right."""
