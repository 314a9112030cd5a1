"""Who said what, when: audio in, a `Transcript` out. No HTTP, no Redis, no Cog.

Everything imported here is standard library only; the heavy part (``pipeline``, ``audio`` and
``engine``) is imported by those who run models.
"""

from transcription.errors import TranscriptionError
from transcription.options import Options
from transcription.transcript import Segment, Transcript, Turn, Word

__all__ = ["Options", "Segment", "Transcript", "TranscriptionError", "Turn", "Word"]
