"""How loud a recording is from moment to moment: what a picture of it is drawn from."""

import math

import numpy as np

from transcription.audio.samples import SAMPLE_RATE, Samples
from transcription.findings import Peaks

PER_SECOND = 20.0  # a screen shows a minute in about as many columns
MOST = 100_000  # of one recording: a long one has fewer per second
LOUDEST = 100
_SILENT = 1e-4  # of full scale; below it nothing is made to look loud


def peaks(samples: Samples) -> Peaks:
    """The loudest sample of each stretch, in hundredths of the loudest of all."""
    per_second = min(PER_SECOND, MOST * SAMPLE_RATE / max(1, len(samples)))
    stretch = math.ceil(SAMPLE_RATE / per_second)
    begins = np.arange(0, len(samples), stretch)
    if not len(begins):
        return Peaks(SAMPLE_RATE / stretch, ())
    # Two passes and no copy: the absolute values of hours are hundreds of megabytes.
    high, low = np.maximum.reduceat(samples, begins), np.minimum.reduceat(samples, begins)
    levels = np.maximum(high, -low)
    scale = LOUDEST / max(float(levels.max()), _SILENT)
    return Peaks(SAMPLE_RATE / stretch, tuple(np.rint(levels * scale).astype(int).tolist()))
