"""How far a transcript is from the truth: word error rate, and words given to their speaker."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import jiwer

_NOT_IN_WORDS = re.compile(r"[^\w' ]+")
# Above this many speakers, trying all ways to pair them would take too long.
_MOST_SPEAKERS = 8


def plain_words(text: str) -> list[str]:
    """Words in lower case without punctuation."""
    return _NOT_IN_WORDS.sub(" ", text.lower()).split()


def word_error_rate(truth: Sequence[str], heard: Sequence[str]) -> float:
    """(substitutions + deletions + insertions) / number of true words."""
    return float(jiwer.wer(" ".join(truth), " ".join(heard)))


def attribution_accuracy(
    truth: Sequence[tuple[str, str]], heard: Sequence[tuple[str, str]]
) -> float:
    """Share of true words that were heard right and given to the right speaker.

    Both are sequences of (word, speaker). Speakers are paired one to one in the way that gives
    the highest share, as diarization names them at will.
    """
    result = jiwer.process_words(" ".join(w for w, _ in truth), " ".join(w for w, _ in heard))
    pairs: Counter[tuple[str, str]] = Counter()
    for chunk in result.alignments[0]:
        if chunk.type == "equal":
            for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
                spoken = truth[chunk.ref_start_idx + offset][1]
                found = heard[chunk.hyp_start_idx + offset][1]
                pairs[spoken, found] += 1
    return _best_pairing(pairs) / max(len(truth), 1)


def _best_pairing(pairs: Counter[tuple[str, str]]) -> int:
    spoken = sorted({speaker for speaker, _ in pairs})
    found = sorted({speaker for _, speaker in pairs})
    if max(len(spoken), len(found)) > _MOST_SPEAKERS:
        raise ValueError(f"more than {_MOST_SPEAKERS} speakers")
    found += [""] * (len(spoken) - len(found))
    return max(
        (
            sum(pairs[pair] for pair in zip(spoken, chosen, strict=False))
            for chosen in permutations(found, len(spoken))
        ),
        default=0,
    )
