"""What the engine does on a graphics card: ``python -m benchmarks.gpu``."""
