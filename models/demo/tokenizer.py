"""Whisper's tokenizer as one file, and the small part of it that the demo model uses."""

from __future__ import annotations

import base64
import importlib.metadata
import random
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from models.demo import grammar

END, START = "<|endoftext|>", "<|startoftranscript|>"
TRANSCRIBE, NO_SPEECH, NO_TIMESTAMPS = "<|transcribe|>", "<|nospeech|>", "<|notimestamps|>"


def language_mark(code: str) -> str:
    """The token that names a language."""
    return f"<|{code}|>"


SPECIAL: Final = (
    *(END, START, TRANSCRIBE, NO_SPEECH, NO_TIMESTAMPS),
    *(language_mark(code) for code in grammar.GRAMMARS),
)

TIMESTAMPS: Final = 1501  # <|0.00|> to <|30.00|>
TIMESTAMP_STEP: Final = 0.02  # s
SIZE: Final = 51_866  # ids of large-v3; a smaller vocabulary is taken for an English-only model
_SENTENCES: Final = 40_000  # drawn to find every token the grammars can produce


def _ranks() -> dict[bytes, int]:
    """Byte-pair ranks of ``multilingual.tiktoken`` in the openai-whisper distribution (MIT)."""
    package = importlib.metadata.distribution("openai-whisper")
    path = package.locate_file("whisper/assets/multilingual.tiktoken")
    lines = (line.split() for line in Path(str(path)).read_text("ascii").splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def _printable() -> dict[int, str]:
    """GPT-2's printable stand-in for every byte, as byte-level BPE files spell it."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {b: chr(256 + n) for n, b in enumerate(others)}


def _parents(token: bytes, rank: int, ranks: dict[bytes, int]) -> tuple[bytes, bytes] | None:
    """The two parts whose merge makes ``token``, found by merging as BPE itself would."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        best, index = min(
            (ranks.get(parts[n] + parts[n + 1], SIZE), n) for n in range(len(parts) - 1)
        )
        if best >= rank:
            return None
        parts[index : index + 2] = [parts[index] + parts[index + 1]]
    return (parts[0], parts[1]) if len(parts) == 2 else None


def _special_tokens() -> list[str]:
    languages = [language_mark(code) for code in LANGUAGES]
    tail = ["<|translate|>", TRANSCRIBE, "<|startoflm|>", "<|startofprev|>"]
    return [END, START, *languages, *tail, NO_SPEECH, NO_TIMESTAMPS]


def build(path: Path) -> None:
    """Write large-v3's ``tokenizer.json``, with the same ids, to ``path``."""
    ranks, printable = _ranks(), _printable()

    def spelled(token: bytes) -> str:
        return "".join(printable[byte] for byte in token)

    pairs = (_parents(t, r, ranks) for t, r in sorted(ranks.items(), key=lambda item: item[1]))
    merges = [(spelled(pair[0]), spelled(pair[1])) for pair in pairs if pair]
    tokenizer = Tokenizer(models.BPE({spelled(t): r for t, r in ranks.items()}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in _special_tokens()]
    )
    times = (f"<|{index * TIMESTAMP_STEP:.2f}|>" for index in range(TIMESTAMPS))
    tokenizer.add_tokens([AddedToken(time, special=False, normalized=False) for time in times])
    if tokenizer.get_vocab_size() != SIZE:
        raise ValueError(f"{tokenizer.get_vocab_size()} tokens instead of {SIZE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))


class Vocabulary:
    """The tokens the grammar uses, numbered from 0 without gaps.

    Row 0 stands for every unused token together; then the `SPECIAL` ones, the text tokens and,
    from `first_time`, the timestamps.
    """

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        rng = random.Random(1)
        used: set[int] = set()
        for language in grammar.GRAMMARS:
            for _ in range(_SENTENCES):
                used.update(self._tokenizer.encode(f" {grammar.sentence(rng, language)}").ids)
        special = [int(self._tokenizer.token_to_id(token) or 0) for token in SPECIAL]
        self.ids: Final[tuple[int, ...]] = (*special, *sorted(used))
        self.first_time: Final = len(self.ids) + 1
        self.unused: Final = SIZE - TIMESTAMPS - len(self.ids)
        self._rows = {token: row for row, token in enumerate(self.ids, start=1)}
        self.special: Final = {token: row for row, token in enumerate(SPECIAL, start=1)}

    def word(self, word: str) -> list[int]:
        """Rows of one word, the space before it included."""
        return [self._rows[token] for token in self._tokenizer.encode(f" {word}").ids]

    def time(self, seconds: float) -> int:
        """Row of the timestamp nearest to ``seconds``."""
        return self.first_time + min(TIMESTAMPS - 1, round(seconds / TIMESTAMP_STEP))
