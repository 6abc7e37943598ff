"""What Talkstick can do; ``ls`` here is the list."""
