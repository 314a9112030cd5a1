"""Recordings: on disk, uploaded ahead, probed, and deleted when they are not needed any more."""
