"""What every model takes."""

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000  # Hz, what Whisper, wav2vec2 and pyannote were trained on

Samples = npt.NDArray[np.float32]  # shape (n,), full scale is [-1, 1]


def seconds(samples: Samples) -> float:
    """Length of ``samples`` in seconds."""
    return len(samples) / SAMPLE_RATE
