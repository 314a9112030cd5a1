"""Replicate's HTTP API, as its official clients speak it, and Cog's, which is a part of it."""
