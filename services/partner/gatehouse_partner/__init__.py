"""Who the institute works with: partners, whom we speak with there, and what we have agreed."""
