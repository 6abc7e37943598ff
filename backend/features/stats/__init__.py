"""What the backend says of itself, and what admins ask of it."""
