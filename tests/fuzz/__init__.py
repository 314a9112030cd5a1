"""Random damage, by seeds that give the same files every time."""
