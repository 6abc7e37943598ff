"""What is kept of each device's voice."""
