"""Who signs in, and what they may do: accounts, roles, sessions, service clients, and the keys that sign tokens."""
