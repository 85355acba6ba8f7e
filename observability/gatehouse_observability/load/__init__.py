"""`gate load`: a bounded load on a local platform, by personas that do their work."""
