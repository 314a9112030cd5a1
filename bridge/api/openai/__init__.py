"""OpenAI's audio API, as its official clients speak it."""
