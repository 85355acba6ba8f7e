"""How people come to the institute: sign-ups by every door, and each one's way to an introduction."""
