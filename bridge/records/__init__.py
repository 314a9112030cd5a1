"""What may happen to a prediction, and where its record is kept."""
