"""Keys and secrets that several services share, or that a service has for itself."""
