"""The gateway in front of Cog: a queue, a record of every prediction, and the API clients speak."""
