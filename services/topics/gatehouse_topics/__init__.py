"""What there is to learn, and the paths through it."""
