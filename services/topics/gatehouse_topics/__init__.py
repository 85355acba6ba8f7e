"""The service topics: what there is to learn, and the paths through it."""
