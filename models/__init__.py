"""Model files that travel with the repository."""
