"""Recordings: on disk, uploaded ahead, probed, and deleted when nobody needs them."""
