"""What can go wrong, in words that a client may read.

    TranscriptionError
    ├── InvalidInput              an input's value cannot be used (names the field)
    │   ├── InvalidAudio          the recording cannot be used
    │   └── ModelUnavailable      a model that the input asks for is not on this worker
    └── OutOfMemory               the recording did not fit, even in the smallest batch

Every message is safe to show: it holds no path, token, address or traceback.
"""

from collections.abc import Iterable


class TranscriptionError(Exception):
    """Base of the errors a client may see. ``status`` hints at the HTTP status to answer."""

    status = 500

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidInput(TranscriptionError):
    """The value of input ``field`` cannot be used."""

    status = 422

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.reason = detail


def not_one_of(field: str, given: str, choices: Iterable[str]) -> InvalidInput:
    """What is wrong with a value that is none of ``choices``."""
    return InvalidInput(field, f"{given[:60]!r} is not one of {', '.join(choices)}")


class InvalidAudio(InvalidInput):
    """The recording is empty, is not audio, or cannot be decoded."""

    def __init__(self, detail: str, field: str = "audio_file") -> None:
        super().__init__(field, detail)


class ModelUnavailable(InvalidInput):
    """A model that the input asks for is not on this worker and may not be fetched.

    It is the request that cannot be met: sent again, it would not fare better.
    """


class OutOfMemory(TranscriptionError):
    """The recording did not fit into memory, even one window at a time."""

    status = 507
