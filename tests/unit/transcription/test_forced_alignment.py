"""Forced alignment. whisperx's own functions are the oracle, the networks are made on the spot."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import torch
import torchaudio
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC
from whisperx.alignment import backtrack, get_trellis, merge_repeats

from models import registry
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine.alignment import find_sentence_tables
from transcription.engine.emissions import _BUDGET, Acoustics, batches
from transcription.engine.spelling import WILDCARD, Alphabet, Splitter
from transcription.engine.trellis import align_tokens, with_wildcard

SYMBOLS = 32


def frames(count: int, seed: int, sharpness: float = 1.0) -> np.ndarray:
    noise = torch.randn(count, SYMBOLS, generator=torch.Generator().manual_seed(seed))
    rows: np.ndarray = torch.log_softmax(noise * sharpness, dim=-1).numpy()
    return rows


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 8.0])
@pytest.mark.parametrize(("count", "length"), [(1, 1), (2, 1), (7, 7), (60, 13), (800, 300)])
def test_the_path_is_whisperx_own(count: int, length: int, sharpness: float) -> None:
    for seed in range(3):
        rows = frames(count, seed, sharpness)
        random = np.random.default_rng(seed)
        tokens = random.integers(1, SYMBOLS, length).tolist()
        emission = torch.from_numpy(rows)
        path = backtrack(get_trellis(emission, tokens), emission, tokens)
        expected = merge_repeats(path, ["?"] * length)
        spans = align_tokens(rows, tokens, blank=0)
        assert spans is not None
        assert spans.starts.tolist() == [segment.start for segment in expected]
        assert spans.ends.tolist() == [segment.end for segment in expected]
        scores = [segment.score for segment in expected]
        assert spans.scores.tolist() == pytest.approx(scores, abs=1e-6)


def test_more_tokens_than_frames_have_no_path() -> None:
    assert align_tokens(frames(5, 0), [1] * 6, blank=0) is None
    assert align_tokens(frames(5, 0), [], blank=0) is None
    assert align_tokens(np.full_like(frames(5, 0), np.nan), [1], blank=0) is None


def test_a_wildcard_is_as_probable_as_the_best_symbol_but_blank() -> None:
    rows = frames(9, 1)
    rows[:, 2] = 1.0
    wider = with_wildcard(rows, blank=2)
    assert wider.shape == (9, SYMBOLS + 1)
    assert wider[:, -1].tolist() == np.delete(rows, 2, axis=1).max(axis=1).tolist()


# Networks


def base_of_torchaudio() -> tuple[Any, str]:
    network = torchaudio.models.wav2vec2_model(
        extractor_mode="group_norm",
        extractor_conv_layer_config=[(32, 10, 5), (32, 3, 2), (32, 3, 2), (32, 2, 2)],
        extractor_conv_bias=False,
        encoder_embed_dim=32,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=16,
        encoder_pos_conv_groups=4,
        encoder_num_layers=2,
        encoder_num_heads=4,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=64,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=False,
        encoder_layer_drop=0.0,
        aux_num_out=SYMBOLS,
    )
    return network, "torchaudio"


def of_the_hub(**config: Any) -> tuple[Any, str]:
    network = Wav2Vec2ForCTC(
        Wav2Vec2Config(
            vocab_size=SYMBOLS,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            conv_dim=(32, 32, 32, 32),
            conv_kernel=(10, 3, 3, 2),
            conv_stride=(5, 2, 2, 2),
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            **config,
        )
    )
    return network, "huggingface"


def base_of_the_hub() -> tuple[Any, str]:
    return of_the_hub(feat_extract_norm="group", conv_bias=True)


def large_of_the_hub() -> tuple[Any, str]:
    return of_the_hub(feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)


NETWORKS = pytest.mark.parametrize(
    "make", [base_of_torchaudio, base_of_the_hub, large_of_the_hub], ids=lambda make: make.__name__
)


def made(make: Callable[[], tuple[Any, str]]) -> tuple[Any, str]:
    """A network whose every parameter is random: fresh norms would hide what they do."""
    torch.manual_seed(0)
    network, kind = make()
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network.eval(), kind


def noises(*seconds: float) -> list[Samples]:
    random = np.random.default_rng(0)
    return [
        (random.normal(0.01, gain, int(length * SAMPLE_RATE))).astype(np.float32)
        for length, gain in zip(seconds, np.geomspace(0.02, 0.3, len(seconds)), strict=True)
    ]


def unaided(network: Any, kind: str, piece: Samples) -> np.ndarray:
    """What whisperx makes of one piece."""
    with torch.inference_mode():
        waveform = torch.from_numpy(piece)[None]
        logits = network(waveform)[0] if kind == "torchaudio" else network(waveform).logits
        rows: np.ndarray = torch.log_softmax(logits, dim=-1)[0].numpy()
        return rows


@NETWORKS
def test_a_piece_hears_the_same_in_a_batch_as_alone(make: Callable[[], tuple[Any, str]]) -> None:
    network, kind = made(make)
    acoustics = Acoustics(network, kind, "cpu")
    pieces = noises(1.5, 0.9, 1.499, 0.031, 1.5)
    for rows, piece in zip(acoustics(pieces), pieces, strict=True):
        expected = unaided(network, kind, piece)
        assert rows.shape == expected.shape
        assert np.abs(rows - expected).max() < 1e-4


@NETWORKS
def test_what_is_shorter_than_a_frame_is_one_frame(make: Callable[[], tuple[Any, str]]) -> None:
    network, kind = made(make)
    (rows,) = Acoustics(network, kind, "cpu")([np.zeros(3, dtype=np.float32)])
    assert rows.shape == (1, SYMBOLS)
    assert np.isfinite(rows).all()


def test_models_trained_on_unit_variance_hear_unit_variance() -> None:
    network, kind = made(large_of_the_hub)
    plain = Acoustics(network, kind, "cpu")
    scaled = Acoustics(network, kind, "cpu", unit_variance=True)
    (piece,) = noises(0.5)
    expected = (piece - piece.mean()) / np.sqrt(piece.var() + 1e-7)
    for gain in (1.0, 30.0):
        (rows,) = scaled([piece * gain])
        assert np.abs(rows - plain([expected])[0]).max() < 1e-3


@pytest.mark.parametrize("gpu", [False, True])
def test_batches_are_bounded_sorted_and_whole(gpu: bool) -> None:
    random = np.random.default_rng(1)
    lengths = [*random.integers(0, 30 * SAMPLE_RATE, 300).tolist(), 30 * SAMPLE_RATE, 0, 0]
    found = list(batches(lengths, gpu=gpu))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        own = [lengths[index] for index in batch]
        assert own == sorted(own, reverse=True)
        assert len(own) * own[0] <= _BUDGET[gpu]
        assert own[-1] >= 0.8 * own[0]
    assert all(lengths[a[0]] >= lengths[b[0]] for a, b in pairwise(found))
    assert list(batches([], gpu=gpu)) == []


# Texts


CODES = {"<pad>": 0, "|": 4, "a": 7, "b": 24, "c": 19, "'": 27}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ab c", [7, 24, 4, 19]),
        ("  A'B\n", [7, 27, 24]),
        ("a 5€", [7, 4, WILDCARD, WILDCARD]),
        ("a\u00a0b", [7, 4, 24]),
        ("İa", [WILDCARD, 7]),
        ("", []),
    ],
)
def test_texts_are_spelled_in_the_alphabet(text: str, tokens: list[int]) -> None:
    spelled = Alphabet(CODES, "en").spell(text)
    assert spelled.tokens == tokens
    assert len(spelled.positions) == len(tokens)


def test_spaces_are_not_heard_where_none_are_written() -> None:
    alphabet = Alphabet({"[pad]": 3, "你": 1}, "zh")
    assert alphabet.blank == 3
    assert alphabet.spell("你 好").tokens == [1, WILDCARD]
    assert alphabet.words("你 好") == [(0, 1), (2, 3)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One two. Three?  Four", ["One two.", "Three?", "Four"]),
        ("Mr. Low came. ...", ["Mr. Low came.", "..."]),
        ("(Yes.)No.", ["(Yes.)No."]),
        ("   ", []),
    ],
)
def test_every_word_is_in_one_sentence(text: str, sentences: list[str]) -> None:
    find_sentence_tables(registry.DEMO_NLTK_DATA)
    words = Alphabet(CODES, "en").words(text)
    found = list(Splitter.of("en").sentences(text, words))
    assert [word for sentence in found for word in sentence] == words
    assert [text[own[0][0] : own[-1][1]] for own in found] == sentences
