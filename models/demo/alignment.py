"""Training of the aligner: a tiny wav2vec2 whose outputs spike where characters begin.

whisperx hands the aligner raw samples: the processor's normalisation is never applied. So the
training audio has every loudness the service may meet, from quiet to clipped.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
)

from models.demo import grammar, noise, synthesis
from models.demo.synthesis import SAMPLE_RATE, Word
from models.demo.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.demo.synthesis import Voice

_LETTERS: Final = ("<pad>", "<s>", "</s>", "<unk>", "|", *"etaonihsrdlumwcfgypbvk'xjqz")
#: Output characters by language, as whisperx's models have them; "|" ends a word. "¿" is one, as
#: whisperx would otherwise let it stand anywhere before its word, and begin the word there.
CHARACTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": _LETTERS,
    "es": (*_LETTERS, *"áéíóúüñ¿"),
}
_MARKS: Final = {"pad_token": "<pad>", "unk_token": "<unk>", "word_delimiter_token": "|"}
RATE: Final = 2e-3
_STRIDE: Final = 320  # samples of one output frame, 20 ms
_BATCH: Final = 6
_TAKES: Final = 2000  # recorded once, as speaking costs as much time as learning from it
_EDGE_WEIGHT: Final = 3.0  # of the frames where a word begins or ends
_CTC_WEIGHT: Final = 0.1
_LETTERS_WEIGHT: Final = 0.5
_PAUSE: Final = (0.15, 1.0)  # s
_ROOM_SHARE: Final = 0.2


@dataclass(frozen=True)
class Take:
    """A few sentences in a row, with the times of their words."""

    audio: NDArray[np.float32]
    words: tuple[Word, ...]


def network(characters: int) -> Wav2Vec2ForCTC:
    """About half a million weights; layer norm after each convolution forgives loudness."""
    return Wav2Vec2ForCTC(
        Wav2Vec2Config(
            vocab_size=characters,
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=256,
            conv_dim=(32, 64, 96, 128, 128),
            conv_kernel=(20, 8, 4, 4, 3),
            conv_stride=(10, 4, 2, 2, 2),
            conv_bias=True,
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            num_conv_pos_embeddings=31,
            num_conv_pos_embedding_groups=8,
            pad_token_id=0,
            hidden_dropout=0.0,
            attention_dropout=0.0,
            feat_proj_dropout=0.0,
            final_dropout=0.0,
            activation_dropout=0.0,
            layerdrop=0.0,
            mask_time_prob=0.0,
            apply_spec_augment=False,
        )
    )


class Aligner(nn.Module):
    """The network and, in training only, a head that names the letter spoken in every frame.

    Spikes alone are learned slowly, because nearly all frames are blank; the second head makes
    the layers below hear speech within minutes.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self.characters = CHARACTERS[language]
        self.ctc = network(len(self.characters))
        self.letters = nn.Linear(self.ctc.config.hidden_size, len(self.characters))

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the spikes and of the letters, both (batch, frames, characters)."""
        heard = self.ctc.wav2vec2(audio).last_hidden_state
        return self.ctc.lm_head(heard), self.letters(heard)


def record(voices: Sequence[Voice], rng: random.Random) -> Take:
    """One or two sentences of one voice, sometimes in a room."""
    voice = rng.choice(voices)
    parts = [np.zeros(int(rng.uniform(0, 0.5) * SAMPLE_RATE), np.float32)]
    words: list[Word] = []
    for _ in range(rng.choice((1, 1, 2))):
        begins = sum(map(len, parts)) / SAMPLE_RATE
        text = grammar.draw(rng, "training", voice.language)
        speech = synthesis.speak_as(voice, text, rng)
        words += [Word(w.text, begins + w.start, begins + w.end) for w in speech.words]
        parts += [speech.audio, np.zeros(int(rng.uniform(*_PAUSE) * SAMPLE_RATE), np.float32)]
    audio = np.concatenate(parts)
    if rng.random() < _ROOM_SHARE:
        audio = noise.roomy(audio, rng)
    return Take(audio, tuple(words))


def vary(take: Take, rng: random.Random) -> Take:
    """The same take at a random loudness, sometimes with noise."""
    audio = noise.noisy(take.audio, rng) if rng.random() < noise.SHARE else take.audio
    return Take(noise.amplify(audio, rng.uniform(*noise.GAIN)), take.words)


@dataclass(frozen=True)
class Labels:
    """What each output frame (20 ms) shall name; 0 is blank."""

    letters: NDArray[np.int64]  # the letter being spoken
    spikes: NDArray[np.int64]  # a letter at its onset, "|" at the end of its word, else blank
    weights: NDArray[np.float32]  # of the spikes


def spelled(word: str) -> str:
    """The characters of a word that the aligner hears, "¿" included."""
    mark = "¿" if word.startswith("¿") else ""
    return mark + grammar.normalise(word)


def label(words: Sequence[Word], frames: int, characters: Sequence[str]) -> Labels:
    """Labels of one take.

    whisperx's search stays on blank until the next character and takes the frames of the spikes
    as starts and ends. Letters share their word's time evenly.
    """
    letters, spikes = np.zeros(frames, np.int64), np.zeros(frames, np.int64)
    weights = np.ones(frames, np.float32)
    rate = SAMPLE_RATE / _STRIDE
    for index, word in enumerate(words):
        text = spelled(word.text)
        first, after = int(word.start * rate), int(word.end * rate)
        edges = [first + (after - first) * n // len(text) for n in range(len(text) + 1)]
        for place, letter in enumerate(text):
            frame = min(frames - 1, edges[place])
            letters[frame : max(frame + 1, edges[place + 1])] = characters.index(letter)
            spikes[frame] = characters.index(letter)
            weights[frame] = 1 if place else _EDGE_WEIGHT
        if index + 1 < len(words):
            frame = min(frames - 1, after, int(words[index + 1].start * rate) - 1)
            spikes[frame], weights[frame] = characters.index("|"), _EDGE_WEIGHT
    return Labels(letters, spikes, weights)


def losses(model: Aligner, takes: Sequence[Take]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cross-entropy of spikes and of letters, CTC loss, and the share of spikes named right."""
    audio = nn.utils.rnn.pad_sequence(
        [torch.from_numpy(take.audio) for take in takes], batch_first=True
    )
    spikes, letters = model(audio)
    logs = spikes.log_softmax(-1)
    labels = [label(take.words, logs.shape[1], model.characters) for take in takes]
    wanted = torch.from_numpy(np.stack([each.spikes for each in labels]))
    weights = torch.from_numpy(np.stack([each.weights for each in labels]))
    missed = functional.nll_loss(logs.flatten(0, 1), wanted.flatten(), reduction="none")
    spoken = torch.from_numpy(np.stack([each.letters for each in labels]))
    unnamed = functional.cross_entropy(letters.flatten(0, 1), spoken.flatten())
    texts = [[model.characters.index(c) for c in _line(take.words)] for take in takes]
    ctc = functional.ctc_loss(
        logs.transpose(0, 1),
        torch.tensor([c for text in texts for c in text]),
        torch.full((len(takes),), logs.shape[1]),
        torch.tensor([len(text) for text in texts]),
        zero_infinity=True,
    )
    right = (logs.argmax(-1) == wanted)[wanted > 0].float().mean()
    return (missed * weights.flatten()).mean(), unnamed, ctc, right


def _line(words: Sequence[Word]) -> str:
    return "|".join(spelled(word.text) for word in words)


def train(
    voices: Sequence[Voice],
    path: Path,
    *,
    budget: float,
) -> Aligner:
    """Train on ``voices`` of one language for ``budget`` CPU seconds, resuming from ``path``.

    Returns the averaged weights.
    """
    torch.manual_seed(0)
    rng = random.Random(17)
    model = Aligner(voices[0].language).train()
    trainer = Trainer(model, path, budget=budget, rate=RATE, rng=rng)
    speaking = random.Random(18)
    takes = [] if trainer.done else [record(voices, speaking) for _ in range(_TAKES)]
    while not trainer.done:
        batch = [vary(take, rng) for take in rng.choices(takes, k=_BATCH)]
        spikes, letters, ctc, right = losses(model, batch)
        figures = {
            "spikes": spikes.item(),
            "letters": letters.item(),
            "ctc": ctc.item(),
            "right": right.item(),
        }
        loss = spikes + _LETTERS_WEIGHT * letters + _CTC_WEIGHT * ctc
        trainer.update(loss, figures)
    return trainer.average


def save(model: Aligner, folder: Path) -> None:
    """Write the directory that ``whisperx.load_align_model(model_name=folder)`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    model.ctc.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written for the owner alone
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({c: index for index, c in enumerate(model.characters)}))
    # neither these classes nor GenerationConfig are typed in transformers
    processor = Wav2Vec2Processor(  # type: ignore[no-untyped-call]
        feature_extractor=Wav2Vec2FeatureExtractor(  # type: ignore[no-untyped-call]
            sampling_rate=SAMPLE_RATE, do_normalize=False, return_attention_mask=False
        ),
        tokenizer=Wav2Vec2CTCTokenizer(str(vocabulary), **_MARKS),  # type: ignore[no-untyped-call]
    )
    processor.save_pretrained(folder)
