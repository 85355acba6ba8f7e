"""Who the institute knows: people, their profiles, what they consented to, and who mentors whom."""
