"""Training of the recogniser."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn import functional

from models.demo.network import Recognizer, Size
from models.demo.trainer import Trainer
from models.demo.windows import IGNORED, Batch, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.demo.corpus import Utterance
    from models.demo.tokenizer import Vocabulary

RATE: Final = 1.5e-3
_LEAST_PHONE_WEIGHT: Final = 0.2  # least weight of the phone loss
_LOOKING: Final = 0.6  # weight of the attention loss
_DETECTION: Final = 0.05  # weight of the language's name beside all the text
_STEP_SECONDS: Final = 100.0  # of audio in one step, whatever the windows' length
#: Share of the budget from which windows of these lengths (s) are drawn. Short windows teach
#: words at a third of the price of long ones; the last ones are what whisperx sends.
CURRICULUM: Final[tuple[tuple[float, tuple[float, ...]], ...]] = (
    (0.0, (5.0,)),
    (0.18, (5.0, 10.0, 10.0)),
    (0.24, (10.0, 15.0, 30.0, 30.0)),
    (0.40, (15.0, 30.0, 30.0, 30.0)),
)


def lengths(progress: float) -> tuple[float, ...]:
    """Window lengths to draw from at this share of the budget."""
    return next(choice for begin, choice in reversed(CURRICULUM) if progress >= begin)


def losses(
    model: Recognizer, batch: Batch, vocabulary: Vocabulary
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cross-entropy of the text, of the phones, the attention's miss, and token accuracy."""
    heard = model.encoder(torch.from_numpy(batch.mel), batch.first)
    logits, attention = model.decoder(torch.from_numpy(batch.tokens), heard)
    # row 0 stands for all unused tokens, which share one vector: with the logarithm of their
    # number added this is the exact softmax over Whisper's whole vocabulary
    logits = torch.cat([logits[..., :1] + math.log(vocabulary.unused), logits[..., 1:]], -1)
    targets = torch.from_numpy(batch.targets)
    text = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
    # one token in a hundred names the language: it counts for more than its share
    text = text + _DETECTION * functional.cross_entropy(logits[:, 0], targets[:, 0])
    phones = functional.cross_entropy(
        model.phones(heard).flatten(0, 1), torch.from_numpy(batch.phones).flatten()
    )
    spoken = torch.from_numpy(batch.spoken)
    # The first head of each layer shall look where the next token is spoken. To know that place,
    # the second head of the first layer finds the token just read.
    missed = [_missed(weights[:, 0], spoken) for weights in attention]
    missed.append(_missed(attention[0][:, 1, 1:], spoken[:, :-1]))
    words = (targets >= 0) & (targets < vocabulary.first_time)
    accuracy = (logits.argmax(-1) == targets)[words].float().mean()
    return text, phones, torch.stack(missed).mean(), accuracy


def _missed(weights: Tensor, spoken: Tensor) -> Tensor:
    """How little of the attention (batch, tokens, frames) lies where the tokens are spoken."""
    timed = spoken.any(-1)
    found = (weights * spoken).sum(-1)[timed]
    return -(found + 1e-6).log().mean() if len(found) else weights.sum() * 0


def train(
    utterances: Sequence[Utterance],
    vocabulary: Vocabulary,
    path: Path,
    *,
    budget: float,
) -> Recognizer:
    """Train for ``budget`` CPU seconds, resuming from ``path``; returns the averaged weights."""
    torch.manual_seed(0)
    rng = random.Random(5)
    windows = Windows(utterances, vocabulary, rng)
    model = Recognizer(Size(), vocabulary.first_time, windows.phone_count)
    trainer = Trainer(model, path, budget=budget, rate=RATE, rng=rng)
    while not trainer.done:
        seconds = rng.choice(lengths(trainer.progress))
        batch = windows.batch(seconds, int(_STEP_SECONDS / seconds))
        text, phones, missed, accuracy = losses(model, batch, vocabulary)
        phone_weight = max(_LEAST_PHONE_WEIGHT, 0.6 - 1.5 * trainer.progress)
        figures = {
            "text": text.item(),
            "phones": phones.item(),
            "missed": missed.item(),
            "accuracy": accuracy.item(),
        }
        trainer.update(text + phone_weight * phones + _LOOKING * missed, figures)
    return trainer.average
