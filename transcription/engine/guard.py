"""Finds text that was not spoken: Whisper writes text for every window, also without speech."""

import zlib
from collections.abc import Sequence

import numpy as np

from transcription.audio import Samples
from transcription.engine.decoding import UNSURE, Hearing

# Whisper's own bounds (Radford et al. 2022, 4.5).
NO_SPEECH = 0.6  # probability
IMPROBABLE = -1.0  # mean log probability of the tokens
REPETITIVE = 2.4  # bytes of text by bytes compressed
# Windows end with their speech. Behind a text that is whole, less than half a second was left of
# any; behind one that lost seven words, 4.5 s.
UNWRITTEN = 1.5  # seconds
# Tokens that say at once what the ones before them said. Nobody says a dozen twice.
_ECHO, _LOOP = 4, 12
_FASTEST, _AT_LEAST = 35.0, 10  # characters a second, and those that any window may have
_LEVEL = 0.05  # of full scale: speech at -26 dB


def unsaid(heard: Hearing) -> bool:
    """Whether the recognizer itself says so: no speech, and a text that it does not believe."""
    return _silent(heard) and _improbable(heard)


def failed(heard: Hearing) -> bool:
    """Whether it is worth another try: improbable although there is speech, or repeating itself."""
    return bool(heard.text) and not unsaid(heard) and (_improbable(heard) or _looping(heard))


def doubtful(heard: Hearing) -> bool:
    """Whether the text may be invented: improbable, repeating itself, or heard in no speech."""
    return _silent(heard) or _improbable(heard) or _looping(heard) or heard.elsewhere


def unsure(heard: Hearing) -> bool:
    """Whether the text needs more than the recognizer's word: another try, or both detectors."""
    average = heard.avg_logprob
    return (
        doubtful(heard)
        or heard.cut
        or heard.unwritten > UNWRITTEN
        or (average is not None and average < UNSURE)
        or echo(heard.written) >= _ECHO
    )


def repetition(text: str) -> float:
    """How many times shorter the text gets by compression; loops are what compresses well."""
    written = text.encode()
    return len(written) / len(zlib.compress(written))


def echo(tokens: Sequence[int]) -> int:
    """How many tokens, at most, only repeat those right before them."""
    most = 0
    for length in range(1, len(tokens) // 2 + 1):
        run = 0
        for place in range(length, len(tokens)):
            run = run + 1 if tokens[place] == tokens[place - length] else 0
            most = max(most, run // length * length)
    return most


def at_speech_level(samples: Samples) -> Samples:
    """As loud as speech usually is: detectors miss what is quiet."""
    power = float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
    return samples * np.float32(_LEVEL / power) if power else samples


def _silent(heard: Hearing) -> bool:
    return heard.no_speech_prob is not None and heard.no_speech_prob > NO_SPEECH


def _improbable(heard: Hearing) -> bool:
    return heard.avg_logprob is not None and heard.avg_logprob < IMPROBABLE


def _looping(heard: Hearing) -> bool:
    return (
        repetition(heard.text) > REPETITIVE
        or echo(heard.written) >= _LOOP
        or len(heard.text) > _AT_LEAST + _FASTEST * heard.window.duration
    )
