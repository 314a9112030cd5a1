"""Recordings as the models want them: 16 kHz, one channel, float32; decoded once by PyAV.

``decode`` opens the file and ``tracks`` passes over what is damaged; ``clock`` says where sound
stands, ``timeline`` puts it there, ``channels`` makes one channel of several.
"""

from transcription.audio.decode import MAX_SECONDS, Recording, decode, read
from transcription.audio.samples import SAMPLE_RATE, Samples, seconds

__all__ = ["MAX_SECONDS", "SAMPLE_RATE", "Recording", "Samples", "decode", "read", "seconds"]
