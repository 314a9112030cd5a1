"""Predictors for Cog whose duration, end and output the request chooses."""
