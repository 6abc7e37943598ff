"""What the backend says of itself."""
