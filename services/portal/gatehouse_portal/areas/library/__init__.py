"""What there is to learn from: resources, and the learning paths through them."""
