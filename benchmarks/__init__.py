"""What it costs and how good it is, measured by programs that anyone can run again."""
