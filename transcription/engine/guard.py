"""Text that nobody said: Whisper writes something for every window, speech or not."""

import zlib

import numpy as np

from transcription.audio import Samples
from transcription.transcript import Segment

# Whisper's own bounds (Radford et al. 2022, 4.5).
NO_SPEECH = 0.6  # probability
IMPROBABLE = -1.0  # mean log probability of the tokens
REPETITIVE = 2.4  # bytes of text by bytes compressed
_LEVEL = 0.05  # of full scale: speech at -26 dB


def unsaid(segment: Segment) -> bool:
    """Whether the recognizer itself says so: no speech, and a text that it does not believe."""
    return _silent(segment) and _improbable(segment)


def doubtful(segment: Segment) -> bool:
    """Whether the text may be invented: improbable, repeating itself, or heard in no speech."""
    return _silent(segment) or _improbable(segment) or repetition(segment.text) > REPETITIVE


def repetition(text: str) -> float:
    """How many times shorter the text gets by compression; loops are what compresses well."""
    written = text.encode()
    return len(written) / len(zlib.compress(written))


def at_speech_level(samples: Samples) -> Samples:
    """As loud as speech usually is: detectors miss what is quiet."""
    power = float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
    return samples * np.float32(_LEVEL / power) if power else samples


def _silent(segment: Segment) -> bool:
    return segment.no_speech_prob is not None and segment.no_speech_prob > NO_SPEECH


def _improbable(segment: Segment) -> bool:
    return segment.avg_logprob is not None and segment.avg_logprob < IMPROBABLE
