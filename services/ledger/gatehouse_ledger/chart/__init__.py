"""What entries are sorted by: accounts, funds and programs."""
