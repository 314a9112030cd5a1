"""What the platforms share: checked inputs and downloads, errors that a client may read."""

import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from outbound.fetch import FetchFailed, Limits, fetch
from outbound.policy import Policy
from transcription.engine.settings import SettingsError
from transcription.errors import InvalidAudio, InvalidInput, TranscriptionError
from transcription.options import Options
from transcription.validation import InputSchema

_MAX_FILE_BYTES = 1 << 30  # as the bridge's
_FETCH_SECONDS = 600.0  # likewise
_SCHEMA = InputSchema()
_FILES = frozenset(knob.name for knob in fields(Options) if knob.metadata.get("files"))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where recordings may come from and webhooks go to, and how large a recording may be."""

    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=lambda: Limits(_MAX_FILE_BYTES, _FETCH_SECONDS))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The bridge's variables, with its defaults. Raises SettingsError."""
        name = "ALLOWED_PRIVATE_HOSTS"
        try:
            policy = Policy.parse(environment.get(name, ""))
            name = "MAX_FILE_BYTES"
            size = int(environment.get(name) or _MAX_FILE_BYTES)
            name = "FETCH_TIMEOUT"
            seconds = float(environment.get(name) or _FETCH_SECONDS)
        except ValueError as error:
            raise SettingsError(f"{name} cannot be used: {error}") from None
        return cls(policy, Limits(size, seconds))

    @asynccontextmanager
    async def fetched(self, url: str, name: str) -> AsyncIterator[Path]:
        """The recording behind ``url`` while the body runs; then it is deleted.

        Raises InvalidAudio that names the input, ``name``.
        """
        with TemporaryDirectory(prefix="recording-") as folder:
            target = Path(folder) / "recording"
            try:
                await fetch(url, target, policy=self.policy, limits=self.limits)
            except FetchFailed as failure:
                raise InvalidAudio(f"cannot be fetched: {failure}", name) from None
            yield target


def read_options(inputs: Mapping[str, Any]) -> Options:
    """Options from a request's JSON; null counts as absent. Raises InvalidInput."""
    present = {name: value for name, value in inputs.items() if value is not None}
    for name in _FILES & present.keys():
        # To the core these are paths: only the bridge, which fetches them, may make them.
        raise InvalidInput(name, "is not available on this platform")
    for problem in _SCHEMA.problems(present):
        raise problem
    return Options.from_inputs(present)


def explain(error: Exception) -> str:
    """What a client may read of ``error``; a defect of ours is told to the operator's log alone."""
    if isinstance(error, TranscriptionError):
        return str(error)
    traceback.print_exception(error)
    return "Internal error; the operator's log has the details."
