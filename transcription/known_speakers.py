"""Speakers by their names: voices compared with clips of people whom the caller knows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from transcription import audio
from transcription.audio import Samples
from transcription.audio.sandboxed import Reader
from transcription.engine import Engine
from transcription.errors import InvalidAudio, InvalidInput
from transcription.findings import Diarization, Voice
from transcription.options import KNOWN_SPEAKER_THRESHOLD, REFERENCE_SECONDS, REFERENCES, Options

_SLACK = 0.05  # seconds; codecs pad a clip to whole frames


def voices(options: Options, engine: Engine, read: Reader = audio.read) -> dict[str, Voice]:
    """The voice in each of the request's clips, by the name it belongs to.

    Raises InvalidInput naming the clip that cannot be used.
    """
    clips = zip(options.known_speaker_names, options.known_speaker_references, strict=True)
    found: dict[str, Voice] = {}
    for number, (name, clip) in enumerate(clips, start=1):
        samples = _decode(clip, number, read)
        voice = engine.embed(samples) if engine.find_speech(samples, options) else None
        if voice is None:
            raise InvalidInput(REFERENCES, f"clip {number}: no voice in it")
        found[name] = voice
    return found


def named(
    diarization: Diarization, known: Mapping[str, Voice], threshold: float = KNOWN_SPEAKER_THRESHOLD
) -> tuple[Diarization, tuple[str, ...]]:
    """The diarization with the speakers' names, and the known names of which nobody is.

    Each speaker gets one name at most and no name is given twice. Of all such ways the one is taken
    in which the similarities above ``threshold`` have the largest sum (Kuhn 1955, by scipy).
    """
    names = _assign(diarization.embeddings, known, threshold)
    missing = tuple(name for name in known if name not in names.values())
    renamed = Diarization(
        turns=tuple(
            replace(turn, speaker=names.get(turn.speaker, turn.speaker))
            for turn in diarization.turns
        ),
        embeddings={
            names.get(speaker, speaker): voice for speaker, voice in diarization.embeddings.items()
        },
    )
    return renamed, missing


def _assign(
    heard: Mapping[str, Voice], known: Mapping[str, Voice], threshold: float
) -> dict[str, str]:
    """Known names by the speakers they belong to."""
    if not heard or not known:
        return {}
    gain = np.maximum(_cosines(list(heard.values()), list(known.values())) - threshold, 0.0)
    speakers, names = list(heard), list(known)
    pairs = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return {speakers[row]: names[column] for row, column in pairs if gain[row, column] > 0}


def _cosines(left: Sequence[Voice], right: Sequence[Voice]) -> np.ndarray:
    """Shape (left, right)."""
    first, second = np.asarray(left), np.asarray(right)
    lengths = np.outer(np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1))
    result: np.ndarray = first @ second.T / np.maximum(lengths, 1e-12)
    return result


def _decode(clip: str, number: int, read: Reader) -> Samples:
    shortest, longest = REFERENCE_SECONDS
    try:
        samples = read(Path(clip), max_seconds=longest + _SLACK).samples
    except InvalidAudio as error:
        raise InvalidInput(REFERENCES, f"clip {number}: {error.reason}") from None
    if audio.seconds(samples) < shortest - _SLACK:
        reason = f"is shorter than {shortest:g} seconds"
        raise InvalidInput(REFERENCES, f"clip {number}: {reason}")
    return samples
