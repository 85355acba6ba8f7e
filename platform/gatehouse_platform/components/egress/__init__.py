"""Ways out of the network that aren't AWS's own."""
