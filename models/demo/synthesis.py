"""Speech by espeak-ng, in this process, with the exact time of every word and phone.

The library is loaded on the first call, so that importing this module needs no espeak-ng.
"""

from __future__ import annotations

import ctypes
import itertools
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.signal import resample_poly

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000  # Hz, of everything this module returns
LEVEL: Final = 0.1  # RMS of the spoken part, -20 dBFS

_SYNCHRONOUS: Final = 2  # espeak_AUDIO_OUTPUT: hand samples to the callback, return when done
_PHONEME_EVENTS: Final = 1  # espeak_Initialize option: report phonemes too
_UTF8: Final = 1  # espeakCHARS_UTF8
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER numbers
_END, _WORD, _PHONEME = 0, 1, 7  # espeak_EVENT_TYPE numbers
_TAIL: Final = 0.05  # s kept after the last word; espeak-ng adds about 0.3 s of silence


def language(voice: str) -> str:
    """The language of an espeak-ng voice: "es" of "es-419+f2"."""
    return re.split("[-+]", voice, maxsplit=1)[0]


@dataclass(frozen=True)
class Voice:
    """A speaker: an espeak-ng accent and variant at a pitch of its own."""

    name: str  # such as "en-us+m3"
    pitch: int  # 0..99
    male: bool

    @property
    def label(self) -> str:
        """Name and pitch, which together make a speaker."""
        return f"{self.name}@{self.pitch}"

    @property
    def language(self) -> str:
        """Code of the language spoken, such as "en"."""
        return language(self.name)


@dataclass(frozen=True)
class Word:
    """A word as written, with its times in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Phone:
    """An espeak-ng phoneme; an empty name is silence."""

    name: str
    start: float


@dataclass(frozen=True)
class Speech:
    """One spoken sentence: mono float32 samples at 16 kHz, and what is said when."""

    text: str
    audio: NDArray[np.float32]
    words: tuple[Word, ...]
    phones: tuple[Phone, ...]


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Espeak:
    """The one espeak-ng of this process; the library keeps global state."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        self._samples: list[NDArray[np.int16]] = []
        self._events: list[tuple[int, int, int, int, str]] = []
        self._callback = _Callback(self._receive)  # kept: the library holds only a pointer
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._samples.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        index = 0
        while (event := events[index]).type != _END:
            name = event.id.string.decode("utf8", "ignore") if event.type == _PHONEME else ""
            self._events.append((event.type, event.text_position, event.length, event.sample, name))
            index += 1
        return 0

    def say(
        self, text: str, voice: str, rate: int, pitch: int, pitch_range: int
    ) -> tuple[NDArray[np.int16], list[tuple[int, int, int, int, str]]]:
        """Samples at ``self.rate``, and events (type, position, length, sample, phoneme)."""
        self._samples.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(ctypes.c_char_p(data), len(data), 0, _WORD, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._samples), list(self._events)


_espeak = cache(_Espeak)


def speak(
    text: str, voice: str, *, rate: int = 165, pitch: int = 50, pitch_range: int = 50
) -> Speech:
    """Speak ``text`` at `LEVEL`; one space between words, ``rate`` in words a minute."""
    samples, events = _espeak().say(text, voice, rate, pitch, pitch_range)
    seconds = 1 / _espeak().rate
    phones = tuple(
        Phone("" if name.startswith("_") else name, sample * seconds)
        for kind, _, _, sample, name in events
        if kind == _PHONEME
    )
    starts = {
        text.count(" ", 0, position - 1): sample * seconds
        for kind, position, length, sample, _ in events
        if kind == _WORD and length
    }
    audio = _resampled(samples.astype(np.float32) / np.float32(32768), _espeak().rate)
    end = len(audio) / SAMPLE_RATE
    written = text.split()
    words = _timed(written, _filled(written, starts, phones, end), phones, end)
    audio = audio[: int((words[-1].end + _TAIL) * SAMPLE_RATE)]
    level = float(np.sqrt(np.mean(np.square(audio)))) + 1e-9
    return Speech(text, audio * np.float32(LEVEL / level), words, phones)


def speak_as(voice: Voice, text: str, rng: random.Random) -> Speech:
    """Speak as ``voice`` with a little variety of rate, pitch and melody."""
    return speak(
        text,
        voice.name,
        rate=rng.randint(145, 185),
        pitch=voice.pitch + rng.randint(-4, 4),
        pitch_range=rng.randint(35, 60),
    )


def _resampled(audio: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    resampled: NDArray[np.float32] = resample_poly(audio, SAMPLE_RATE, rate).astype(np.float32)
    return resampled


def _filled(
    written: list[str], starts: dict[int, float], phones: tuple[Phone, ...], end: float
) -> list[float]:
    """The start of every word, also of those that espeak-ng speaks as one with their neighbour.

    Its dictionary has entries such as "in the" with one event for both. The group's time is
    shared out by letters and moved to the nearest phone onset: right to about 20 ms.
    """
    onsets = [phone.start for phone in phones if phone.name]
    known = [*sorted(starts), len(written)]
    ordered: list[float] = []
    for first, after in itertools.pairwise(known):
        start, limit = starts[first], starts.get(after, end)
        silences = [p.start for p in phones if not p.name and start + 0.05 < p.start < limit]
        limit = min(silences, default=limit)
        letters = [len(word) for word in written[first:after]]
        ordered.append(start)
        for spoken in itertools.accumulate(letters[:-1]):
            guess = start + (limit - start) * spoken / sum(letters)
            ordered.append(_nearest(onsets, guess))
    return ordered


def _nearest(times: list[float], guess: float) -> float:
    return min(times, key=lambda time: abs(time - guess))


def _timed(
    written: list[str], starts: list[float], phones: tuple[Phone, ...], end: float
) -> tuple[Word, ...]:
    """Each word ends where the next begins, or at the first silence within it."""
    silences = [phone.start for phone in phones if not phone.name]
    limits = [*starts[1:], end]
    return tuple(
        Word(text, start, min((s for s in silences if start + 0.05 < s <= limit), default=limit))
        for text, start, limit in zip(written, starts, limits, strict=True)
    )
