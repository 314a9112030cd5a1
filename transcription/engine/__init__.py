"""The models behind one interface. This module imports none of them; ``whisperx_engine`` does."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from transcription.findings import (
    Alignment,
    Diarization,
    Language,
    Progress,
    Recognized,
    Voice,
    Window,
    ignore_progress,
)
from transcription.options import Options
from transcription.transcript import Segment

if TYPE_CHECKING:
    from transcription.audio import Samples

# Set but empty counts as unset, as for our own variables; libraries take it for a folder.
for _name in ("HF_HOME", "HF_ENDPOINT", "TORCH_HOME", "XDG_CACHE_HOME", "NLTK_DATA"):
    if os.environ.get(_name) == "":
        del os.environ[_name]
# Here, because this package is imported before anything in it can import pyannote: that would
# send every recording's length home, and complain at length that it cannot open files, which it
# is never asked to (decoding is PyAV's).
os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
# OpenMP reads this when torch loads. Threads that spin while they wait for each other at every
# step of an LSTM took 64 s of processor time for what takes 1.5 s, once another process was busy.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
warnings.filterwarnings("ignore", message=r"\s*torchcodec is not installed correctly")


class Engine(Protocol):
    """What a transcription asks of the models. No call leaves a trace in the next.

    ``samples`` are 16 kHz, mono, float32, shape (n,). All times are seconds from their beginning.
    Progress callbacks receive the stage's own share, from 0 to 1.
    """

    @property
    def loads(self) -> int:
        """How many models were loaded so far."""

    def describe(self) -> Mapping[str, Any]:
        """What is loaded, in JSON's types."""

    def prepare(self, options: Options) -> None:
        """Sees that everything the request needs is here, before any work.

        Raises InvalidInput for an unknown model, ModelUnavailable for one that is not available.
        """

    def find_speech(
        self, samples: "Samples", options: Options, progress: Progress = ignore_progress
    ) -> Sequence[Window]:
        """Windows of speech: sorted, apart, none longer than ``options.chunk_size``.

        ``progress`` gets the finished share, where the detector looks part by part.
        """

    def detect_language(
        self, samples: "Samples", windows: Sequence[Window], options: Options
    ) -> Language:
        """The most probable language of the windows, of which there is one at least."""

    def recognize(  # noqa: PLR0913, PLR0917 - a run's parts; `done` by those that go on alone
        self,
        samples: "Samples",
        windows: Sequence[Window],
        language: Language,
        options: Options,
        progress: Progress,
        done: int = 0,
    ) -> Iterator[Recognized]:
        """Yields batches of windows in their order, each as soon as it is finished.

        A segment per window in which something was said, seldom more. The first ``done`` windows
        are left out, and the others share batches as they would without that. Where the request's
        words shall be timed and no aligner speaks the language, segments have words already,
        roughly timed. Raises OutOfMemory.
        """

    def align(  # noqa: PLR0913 - all but four by keyword
        self,
        samples: "Samples",
        segments: Sequence[Segment],
        language: str,
        progress: Progress,
        *,
        characters: bool = False,
        model: str | None = None,
    ) -> Alignment:
        """Sentences with timed words, and a warning where no aligner speaks the language.

        The words of ``segments`` then keep their times roughly; without any the segments are
        returned as they are.
        Words lie in order within their segment, segments within the recording. With
        ``characters`` the words carry their timed characters. ``model`` is the request's
        ``align_model``.
        """

    def diarize(self, samples: "Samples", options: Options, progress: Progress) -> Diarization:
        """Who holds the floor when."""

    def embed(self, samples: "Samples") -> Voice | None:
        """What the one voice in ``samples`` is like; None where there is none.

        Comparable to the embeddings that `diarize` gives.
        """
