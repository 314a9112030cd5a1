"""What the real small set needs besides Whisper base: speakers of real people."""
