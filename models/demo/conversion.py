"""From the trained recogniser to the directory that faster-whisper and whisperx load."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from ctranslate2.converters import TransformersConverter
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from models.demo.features import MELS
from models.demo.network import POSITIONS, TEXT_POSITIONS, Recognizer
from models.demo.tokenizer import SIZE, TIMESTAMPS, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

_END, _START, _NO_TIMESTAMPS = 50257, 50258, 50364  # ids of large-v3's vocabulary
_LANGUAGES: Final = range(50259, 50359)
_TASKS: Final = {"translate": 50359, "transcribe": 50360}
_SPACE: Final = 220  # a lone space: never the first token

#: Features as `models.demo.features` computes them.
_PREPROCESSOR: Final = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": MELS,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480_000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16_000,
}


def save(model: Recognizer, vocabulary: Vocabulary, tokenizer: Path, folder: Path) -> None:
    """Write ``folder`` with 8-bit weights, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        full, converted = Path(name) / "transformers", Path(name) / "converted"
        _save_full(model, vocabulary, tokenizer, full)
        files = ["tokenizer.json", "preprocessor_config.json"]
        TransformersConverter(str(full), copy_files=files).convert(
            str(converted), quantization="int8"
        )
        replace(converted, folder)


def replace(new: Path, folder: Path) -> None:
    """Put the directory ``new`` in the place of ``folder``."""
    old = new.with_name("old")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _save_full(model: Recognizer, vocabulary: Vocabulary, tokenizer: Path, folder: Path) -> None:
    whisper = WhisperForConditionalGeneration(_configuration(model))
    missing = whisper.load_state_dict(_weights(model, vocabulary), strict=False)
    if missing.unexpected_keys or missing.missing_keys:
        raise ValueError(f"weights do not fit: {missing}")
    whisper.generation_config = _generation(model, tokenizer)
    whisper.save_pretrained(folder)
    shutil.copy(tokenizer, folder / "tokenizer.json")
    (folder / "preprocessor_config.json").write_text(json.dumps(_PREPROCESSOR, indent=1))
    classes = {"tokenizer_class": "PreTrainedTokenizerFast"}
    marks = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    (folder / "tokenizer_config.json").write_text(json.dumps(classes | marks))


def _configuration(model: Recognizer) -> WhisperConfig:
    size = model.size
    return WhisperConfig(
        vocab_size=SIZE,
        num_mel_bins=MELS,
        d_model=size.width,
        encoder_layers=size.encoder_layers,
        decoder_layers=size.decoder_layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.inner,
        decoder_ffn_dim=size.inner,
        max_source_positions=POSITIONS,
        max_target_positions=TEXT_POSITIONS,
        bos_token_id=_END,
        eos_token_id=_END,
        pad_token_id=_END,
        decoder_start_token_id=_START,
        suppress_tokens=None,
        begin_suppress_tokens=[_SPACE, _END],
    )


def _weights(model: Recognizer, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """The weights under transformers' names, the vocabulary at its full size."""
    renamed = {
        "encoder.positions": "encoder.embed_positions.weight",
        "decoder.embed_positions": "decoder.embed_positions.weight",
    }
    training_only = ("phones.", "decoder.text", "decoder.time_", "decoder.sinusoid")
    weights = {
        "model." + renamed.get(name, name): value
        for name, value in model.state_dict().items()
        if not name.startswith(training_only)
    }
    with torch.no_grad():
        table = model.decoder.table()
    embedding = table[0].repeat(SIZE, 1)
    embedding[list(vocabulary.ids)] = table[1 : vocabulary.first_time]
    embedding[SIZE - TIMESTAMPS :] = table[vocabulary.first_time :]
    weights["model.decoder.embed_tokens.weight"] = weights["proj_out.weight"] = embedding
    return weights


def _generation(model: Recognizer, tokenizer: Path) -> GenerationConfig:
    """Settings CTranslate2 reads; without the language ids it could not detect a language."""
    added: list[dict[str, Any]] = json.loads(tokenizer.read_text())["added_tokens"]
    return GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=_END,
        eos_token_id=_END,
        pad_token_id=_END,
        decoder_start_token_id=_START,
        lang_to_id={t["content"]: t["id"] for t in added if t["id"] in _LANGUAGES},
        task_to_id=dict(_TASKS),
        no_timestamps_token_id=_NO_TIMESTAMPS,
        is_multilingual=True,
        # the heads that were taught to look where a token is spoken
        alignment_heads=[[n, 0] for n in range(model.size.decoder_layers)],
    )
