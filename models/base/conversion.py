"""From the published GE2E weights to the pipeline directory: python -m models.base.conversion."""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torchaudio.functional import melscale_fbanks

from models.base.pipeline import COMMITTED
from models.base.speaker_embedding import MELS, WINDOW, SpeakerEmbedding
from models.demo.speakers import save_embedding

_WEIGHTS: Final = "resemblyzer/pretrained.pt"
# Means over people, measured once on conversations put together from their clips.
_USUAL: Final = Path(__file__).parent / "usual.npz"
_RATE: Final = 16_000  # Hz
_CHUNK: Final = 5.0  # seconds of one chunk, as the segmentation model hears them


def embedding(state: dict[str, torch.Tensor]) -> SpeakerEmbedding:
    """The model with the weights ``state``; what served the training alone is left out."""
    model = SpeakerEmbedding()
    model.network.load_state_dict({name: state[name] for name in model.network.state_dict()})
    model.mel_filters.copy_(
        melscale_fbanks(
            WINDOW // 2 + 1, 0.0, _RATE / 2, MELS, _RATE, norm="slaney", mel_scale="slaney"
        ).T
    )
    with np.load(_USUAL) as usual:
        model.usual_spectrum.copy_(torch.from_numpy(usual["spectrum"]))
        model.usual_voice.copy_(torch.from_numpy(usual["voice"]))
    return model


def main() -> None:
    """Reads the wheel as data: nothing in it is installed or imported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, help="Resemblyzer-0.1.4-py3-none-any.whl")
    wheel: Path = parser.parse_args().wheel
    with zipfile.ZipFile(wheel) as archive:
        content = io.BytesIO(archive.read(_WEIGHTS))
    state: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
    save_embedding(embedding(state["model_state"]), COMMITTED / "embedding", seconds=_CHUNK)


if __name__ == "__main__":
    main()
