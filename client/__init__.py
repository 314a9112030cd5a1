"""The command line: transcribes recordings through a running service. No torch, no Redis."""
