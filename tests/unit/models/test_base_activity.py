"""How loud each person is, in the base set: chunk by chunk, by pyannote's aggregation."""

import numpy as np
import pytest

pytest.importorskip("pyannote.audio")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
from pyannote.audio import Inference
from pyannote.core import SlidingWindowFeature

from models import chunks
from models.base.pieces import pieces_of
from models.base.speakers import _activity
from tests.unit.models.test_chunks import FRAMES, THRESHOLD, Case, conversation, uncertain

PEOPLE = 3
SURE = 100.0


@pytest.mark.parametrize("case", [conversation(PEOPLE, 40, 1), uncertain(conversation(3, 40, 2))])
def test_a_speaker_is_whose_pieces_hold_most_of_what_he_says(case: Case) -> None:
    scores, _ = case
    speakers = chunks.binarize(scores, onset=THRESHOLD)
    count = chunks.speaker_count(speakers, FRAMES, (0.0, 0.0))
    pieces = pieces_of(speakers, count)
    labels = np.arange(len(pieces)) % PEOPLE
    whose = np.full(len(count.data), -1)
    for piece, label in zip(pieces, labels, strict=True):
        whose[piece.first : piece.last] = label
    said = np.zeros((*scores.data.shape[:2], PEOPLE))
    for number, (chunk, talking) in enumerate(speakers):
        first = count.sliding_window.closest_frame(chunk.start + FRAMES.duration / 2)
        for talks, loud in zip(talking.T, scores.data[number].T, strict=True):
            own = whose[first : first + len(talks)][talks > 0]
            if (own >= 0).any():
                person = np.bincount(own[own >= 0]).argmax()
                said[number, :, person] = np.maximum(said[number, :, person], loud)
    expected = Inference.aggregate(
        SlidingWindowFeature(said, scores.sliding_window), FRAMES, missing=0.0, skip_average=True
    ).data.astype(np.float64)
    expected[whose >= 0, whose[whose >= 0]] += SURE
    found = _activity(scores, speakers, count, pieces, labels, PEOPLE)
    assert len(pieces) > PEOPLE
    assert np.array_equal(found, expected)
