"""What happens to speech on its way to a recording, and recordings in which nobody speaks."""

import io
import wave
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from transcription.audio import SAMPLE_RATE, Samples

_TELEPHONE = (300.0, 3400.0)  # Hz
_MU = 255.0  # of the companding law, ITU-T G.711
_DIAL_TONE = (350.0, 440.0)  # Hz, of North America
_MOUTH = np.array([600.0, 1300.0, 2500.0])  # Hz, where it resounds
_BRASS = 2500.0  # Hz, above which it hardly sounds
_RING_BACK = (440.0, 480.0)  # Hz, two seconds of six


def as_wav(*channels: Samples) -> bytes:
    """A recording of 16 bits. Channels begin together; what is shorter ends with silence."""
    longest = max(map(len, channels))
    sound = np.stack([np.pad(each, (0, longest - len(each))) for each in channels], axis=1)
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setparams((len(channels), 2, SAMPLE_RATE, 0, "NONE", ""))
        # What was decoded from 16 bits is written as it was.
        steps = np.clip(np.round(sound * 32768), -32768, 32767)
        recording.writeframes(steps.astype("<i2").tobytes())
    return file.getvalue()


def at_level(samples: Samples, decibels: float) -> Samples:
    """Louder or quieter, so that the mean power is ``decibels`` below full scale."""
    power = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    scaled: Samples = (samples * (10 ** (decibels / 20) / max(power, 1e-9))).astype(np.float32)
    return scaled


def by_telephone(samples: Samples) -> Samples:
    """What is left after a line: 300 to 3400 Hz, in the 256 steps of the µ-law."""
    spectrum = np.fft.rfft(samples)
    heights = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    spectrum[(heights < _TELEPHONE[0]) | (heights > _TELEPHONE[1])] = 0
    narrow = np.clip(np.fft.irfft(spectrum, len(samples)), -1, 1)
    companded = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    stepped = np.round(companded * 127) / 127
    heard: Samples = (np.sign(stepped) * np.expm1(np.abs(stepped) * np.log1p(_MU)) / _MU).astype(
        np.float32
    )
    return heard


def together(first: Samples, second: Samples, after: float = 0.0) -> Samples:
    """Both at once, equally loud, the second ``after`` seconds later."""
    start = int(after * SAMPLE_RATE)
    mixed = np.zeros(max(len(first), start + len(second)), np.float32)
    mixed[: len(first)] += at_level(first, -26.0)
    mixed[start : start + len(second)] += at_level(second, -26.0)
    return np.clip(mixed, -1, 1)


def in_a_row(*pieces: Samples, pause: float = 0.8) -> Samples:
    """One after the other, with ``pause`` seconds of silence before, between and after."""
    silence = np.zeros(int(pause * SAMPLE_RATE), np.float32)
    return np.concatenate([silence, *(part for piece in pieces for part in (piece, silence))])


def dial_tone(seconds: float) -> Samples:
    """The tone before one dials."""
    return _waves(seconds, *_DIAL_TONE)


def beeps(seconds: float) -> Samples:
    """A second of tone and a second of nothing, as an answering machine's."""
    on = (np.arange(int(seconds * SAMPLE_RATE)) // SAMPLE_RATE) % 2 == 0
    sound: Samples = (_waves(seconds, 1000.0) * on).astype(np.float32)
    return sound


def noise(seconds: float, decibels: float, slope: float = 0.0) -> Samples:
    """Of a fixed seed. ``slope`` 0 is white; 0.5 is pink, where power falls with frequency."""
    count = int(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=count))
    heights = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 20.0)
    return at_level(np.fft.irfft(spectrum / heights**slope, count).astype(np.float32), decibels)


def _ring_back(seconds: float) -> Samples:
    """What a caller hears while a telephone rings."""
    on = (np.arange(int(seconds * SAMPLE_RATE)) // SAMPLE_RATE) % 6 < 2
    sound: Samples = (_waves(seconds, *_RING_BACK) * on).astype(np.float32)
    return sound


def _clicks(seconds: float) -> Samples:
    """A key is struck four times a second, not quite evenly."""
    return _bursts(seconds, per_second=4.0, dies_in=0.004)


def _applause(seconds: float) -> Samples:
    """Dozens of people clap, each for himself."""
    return at_level(_bursts(seconds, per_second=150.0, dies_in=0.02), -26.0)


def _bursts(seconds: float, per_second: float, dies_in: float) -> Samples:
    """Bursts of noise at random moments, of random loudness."""
    random = np.random.default_rng(0)
    count = int(seconds * SAMPLE_RATE)
    moments = np.zeros(count)
    struck = random.integers(0, max(1, count), int(seconds * per_second))
    np.add.at(moments, struck, random.uniform(0.2, 1.0, len(struck)))
    decay = np.exp(-np.arange(int(0.2 * SAMPLE_RATE)) / (dies_in * SAMPLE_RATE))
    loudness = np.convolve(moments, decay)[:count]
    sound: Samples = (0.2 * loudness * random.normal(size=count)).astype(np.float32)
    return np.clip(sound, -1, 1)


def _breath(seconds: float) -> Samples:
    """In and out every four seconds, close to the microphone."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    flow = np.abs(np.sin(np.pi * times / 2)) ** 3 * (0.6 + 0.4 * np.sign(np.sin(np.pi * times / 2)))
    sound: Samples = (noise(seconds, -30.0, 0.3) * flow).astype(np.float32)
    return sound


def _band(seconds: float) -> Samples:
    """A tune with overtones over a bass, and a drum on every beat."""
    random = np.random.default_rng(0)
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    beat = 0.4
    scale = 220.0 * 2.0 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    tune = scale[random.integers(0, len(scale), int(seconds / beat) + 1)]
    note = tune[(times / beat).astype(int)]
    phase = 2 * np.pi * np.cumsum(note) / SAMPLE_RATE
    sound = sum(np.sin(n * phase) / n for n in range(1, 6)) * np.exp(-2 * (times % beat))
    sound = sound + np.sin(2 * np.pi * 110.0 * times)
    sound = sound + random.normal(size=len(times)) * np.exp(-40 * (times % beat))
    return at_level(sound.astype(np.float32), -24.0)


def _calls(seconds: float, every: float, lasting: float, low: float, high: float) -> Samples:
    """An animal's: a pitch that rises and falls from ``low`` to ``high`` Hz, through a mouth."""
    rise = np.sin(np.pi * np.linspace(0, 1, int(lasting * SAMPLE_RATE)))
    pitch = low + (high - low) * rise
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    call = np.zeros(len(pitch))
    for number in range(1, int(7000 / high)):
        heights = np.divide.outer(number * pitch, _MOUTH) - 1
        call += np.sin(number * phase) * (1 / (1 + (heights / 0.1) ** 2)).sum(axis=1)
    sound = np.zeros(int(seconds * SAMPLE_RATE))
    for start in np.arange(0.7, seconds - lasting, every):
        begin = int(start * SAMPLE_RATE)
        sound[begin : begin + len(call)] += call * rise
    return at_level(sound.astype(np.float32), -26.0)


def _horns(seconds: float) -> Samples:
    """A tune on brass: struck hard, then softer."""
    random = np.random.default_rng(46)
    beat = 0.4
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    heights = 440.0 * 2.0 ** ((np.array([60, 64, 67, 72]) - 69) / 12)
    note = heights[random.integers(0, 4, int(seconds / beat) + 1)][(times / beat).astype(int)]
    phase = 2 * np.pi * np.cumsum(note) / SAMPLE_RATE
    waves = sum(np.sin(n * phase) / n * (n * note < _BRASS) for n in range(1, 12))
    within = times % beat
    sound = waves * np.minimum(1, 15 * within) * np.exp(-2 * within)
    return at_level(np.asarray(sound, np.float32), -26.0)


def _hum(seconds: float) -> Samples:
    return _waves(seconds, 50.0, 100.0, 150.0)


def _chords(seconds: float) -> Samples:
    """A chord that changes every half second and dies away, as struck strings do."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    roots = np.array([220.0, 247.0, 262.0, 330.0])[(times // 0.5).astype(int) % 4]
    chord = np.sin(2 * np.pi * np.outer((1.0, 1.25, 1.5), roots * times)).sum(axis=0)
    sound: Samples = (0.1 * chord * np.exp(-4 * (times % 0.5))).astype(np.float32)
    return sound


def _waves(seconds: float, *heights: float) -> Samples:
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound: Samples = (0.1 * np.sin(2 * np.pi * np.outer(heights, times))).sum(axis=0)
    return sound.astype(np.float32)


# Whatever is heard in these is invented. Seconds in, samples out.
WITHOUT_SPEECH: Mapping[str, Callable[[float], Samples]] = MappingProxyType(
    {
        "silence": lambda seconds: np.zeros(int(seconds * SAMPLE_RATE), np.float32),
        "white noise": lambda seconds: noise(seconds, -30.0),
        "pink noise": lambda seconds: noise(seconds, -26.0, 0.5),
        "faint noise": lambda seconds: noise(seconds, -60.0, 0.5),
        "hum of the mains": _hum,
        "dial tone": dial_tone,
        "ring-back tone": _ring_back,
        "beeps": beeps,
        "chords": _chords,
        "band": _band,
        "applause": _applause,
        "breath": _breath,
        "clicks": _clicks,
        "a cow": lambda seconds: _calls(seconds, 2.9, 1.6, 110.0, 160.0),
        "a cat": lambda seconds: _calls(seconds, 1.7, 0.9, 450.0, 700.0),
        "a dog": lambda seconds: _calls(seconds, 0.7, 0.18, 250.0, 450.0),
        "horns": _horns,
    }
)
