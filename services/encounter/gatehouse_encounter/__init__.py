"""The service encounter: what mentors and members meet about, and what they agree on."""
