"""Cog, as the bridge sees it: its client, its health, and where it calls back."""
