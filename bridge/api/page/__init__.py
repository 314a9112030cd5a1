"""The page for people: drop a recording, read it, correct it, take it away."""
