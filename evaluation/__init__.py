"""How good a transcript is, and the predictors whose behaviour a test or benchmark chooses."""
