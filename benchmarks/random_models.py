"""Models of production size with random weights: they cost what trained ones cost and mean nothing.

Whisper is scripted: the residual branches of its decoder add nothing and its positions point at
the next token, so that it says the same text of the same length whatever it hears, at the price of
its architecture. The aligner is wav2vec2-base with torchaudio's file name, the speaker embedding
WeSpeaker's ResNet34. The segmentation is the one that whisperx carries, with its own weights
(PyanNet; community-1's has the same layers and windows of 10 s instead of 5).
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.demo.pipeline import whisperx_assets
from models.registry import DEMO_DIRECTORY, DEMO_NLTK_DATA
from stack.settings import ROOT

TEXT = (
    " Hello, this is the first speaker, and we are testing the transcription service today."
    " Doctor Smith paid twenty five dollars for the ticket. Thank you very much for listening."
)
FOLDER = ROOT / ".state" / "random-models"
_SEED = 0
_VOCABULARY, _POSITIONS, _END = 51866, 448, 50257  # of large-v3
_BUNDLE_FILE = "wav2vec2_fairseq_base_ls960_asr_ls960.pth"


@dataclass(frozen=True, slots=True)
class Size:
    """A Whisper model's dimensions."""

    width: int
    encoder_layers: int
    decoder_layers: int
    heads: int


SIZES = {
    "base": Size(512, 6, 6, 8),
    "small": Size(768, 12, 12, 12),
    "large-v3-turbo": Size(1280, 32, 4, 20),
    "large-v3": Size(1280, 32, 32, 20),
}


def environment(size: str, folder: Path = FOLDER, texts: int = 1) -> Mapping[str, str]:
    """Builds what is missing in ``folder``; the variables with which the engine loads it.

    Whisper says `TEXT` as often as ``texts`` in every window.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whisper = folder / (f"whisper-{size}" if texts == 1 else f"whisper-{size}-{texts}")
    for target, build in (
        (whisper, lambda part: _whisper(part, SIZES[size], TEXT * texts)),
        (folder / "torch", aligner),
        (folder / "diarization", _diarizer),
    ):
        if not target.is_dir():
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            build(part)
            part.rename(target)
    return {
        "MODELS": str(whisper),
        "ALIGN_LANGUAGES": "en",
        "DIARIZATION_MODEL": str(folder / "diarization"),
        "TORCH_HOME": str(folder / "torch"),
        "NLTK_DATA": str(DEMO_NLTK_DATA),
        "HF_HUB_OFFLINE": "1",
    }


def _whisper(target: Path, size: Size, text: str) -> None:
    import ctranslate2.converters
    import torch
    from tokenizers import Tokenizer
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(_SEED)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=_VOCABULARY,
            num_mel_bins=128,
            d_model=size.width,
            encoder_layers=size.encoder_layers,
            decoder_layers=size.decoder_layers,
            encoder_attention_heads=size.heads,
            decoder_attention_heads=size.heads,
            encoder_ffn_dim=4 * size.width,
            decoder_ffn_dim=4 * size.width,
            max_target_positions=_POSITIONS,
            bos_token_id=_END,
            eos_token_id=_END,
            pad_token_id=_END,
            decoder_start_token_id=_END + 1,
        )
    )
    demo = DEMO_DIRECTORY / "whisper"
    tokenizer = Tokenizer.from_file(str(demo / "tokenizer.json"))
    _script(model, tokenizer, text)
    config = json.loads((demo / "config.json").read_text())
    generation: Any = model.generation_config
    generation.lang_to_id = {tokenizer.id_to_token(i): i for i in config["lang_ids"]}
    generation.no_timestamps_token_id = tokenizer.token_to_id("<|notimestamps|>")
    generation.is_multilingual = True
    generation.alignment_heads = [[0, 0]]
    with tempfile.TemporaryDirectory(dir=target.parent) as source:
        model.save_pretrained(source)
        del model
        for name in ("tokenizer.json", "preprocessor_config.json"):
            shutil.copy(demo / name, source)
        converter = ctranslate2.converters.TransformersConverter(
            source, copy_files=["tokenizer.json", "preprocessor_config.json"]
        )
        # As the published models lie on a disk; where it loads them the engine makes 8 bits of it.
        converter.convert(str(target), quantization="float16")
    # The converter of today drops these under transformers 5.
    own = json.loads((target / "config.json").read_text())
    kept = {name: config[name] for name in ("lang_ids", "suppress_ids", "suppress_ids_begin")}
    (target / "config.json").write_text(json.dumps({**own, **kept}))


def _script(model: Any, tokenizer: Any, text: str) -> None:
    """Makes the decoder say ``text`` after the tokens of English transcription."""
    import torch

    decoder = model.model.decoder
    start = [tokenizer.token_to_id(f"<|{name}|>") for name in ("en", "transcribe", "notimestamps")]
    tokens = start + tokenizer.encode(text, add_special_tokens=False).ids
    tokens += [_END] * (_POSITIONS - len(tokens))
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(torch.randn_like(decoder.embed_tokens.weight))
        decoder.embed_tokens.weight.copy_(vectors)
        decoder.embed_positions.weight.copy_(10 * vectors[torch.tensor(tokens)])
        for layer in decoder.layers:
            for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
                last.weight.zero_()
                last.bias.zero_()
    model.proj_out.weight = decoder.embed_tokens.weight


def aligner(target: Path) -> None:
    """A `TORCH_HOME` that holds the English aligner, with random weights."""
    import torch
    import torchaudio

    torch.manual_seed(_SEED)
    # 32 outputs as in the published file, three of which torchaudio drops.
    model = torchaudio.models.wav2vec2_base(aux_num_out=32)
    checkpoints = target / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save(model.state_dict(), checkpoints / _BUNDLE_FILE)


def _diarizer(target: Path) -> None:
    import lightning
    import pyannote.audio
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding.wespeaker import WeSpeakerResNet34

    torch.manual_seed(_SEED)
    model = WeSpeakerResNet34()
    for name in ("segmentation", "embedding", "plda"):
        (target / name).mkdir(parents=True)
    plda(target / "plda")
    segmentation = target / "segmentation" / "pytorch_model.bin"
    segmentation.symlink_to(whisperx_assets() / "pytorch_model.bin")
    about = {
        "versions": {"torch": torch.__version__, "pyannote.audio": pyannote.audio.__version__},
        "architecture": {"module": type(model).__module__, "class": type(model).__name__},
        "specifications": Specifications(
            problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0
        ),
    }
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "hparams_name": "kwargs",
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": lightning.__version__,
        "pyannote.audio": about,
    }
    torch.save(checkpoint, target / "embedding" / "pytorch_model.bin")
    demo = (DEMO_DIRECTORY / "diarization" / "config.yaml").read_text()
    # Batches as in community-1's own configuration.
    (target / "config.yaml").write_text(demo.replace("batch_size: 8", "batch_size: 32"))


def plda(target: Path) -> None:
    """What tells voices apart by vectors of 256 numbers, in an empty folder."""
    import numpy as np

    size, small = 256, 128
    random = np.random.default_rng(_SEED)
    np.savez(
        target / "xvec_transform.npz",
        mean1=np.zeros(size),
        mean2=np.zeros(small),
        lda=np.linalg.qr(random.standard_normal((size, small)))[0],
    )
    np.savez(
        target / "plda.npz",
        mu=np.zeros(small),
        tr=np.eye(small),
        psi=np.linspace(8, 0.5, small),
    )
