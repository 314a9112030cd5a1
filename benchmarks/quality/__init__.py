"""How right a transcript is, beside stock whisperx's with the same models."""
