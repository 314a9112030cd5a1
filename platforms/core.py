"""What the platforms share: checked inputs and downloads, errors that a client may read."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from outbound.fetch import FetchFailed, Limits, fetch
from outbound.policy import Policy
from transcription import encoded
from transcription.environment import SettingsError, number, whole
from transcription.errors import InvalidAudio, InvalidInput, TranscriptionError
from transcription.options import REFERENCES, Options
from transcription.validation import InputSchema, InvalidInputs

_MAX_FILE_BYTES = 1 << 30  # as the bridge's
_FETCH_SECONDS = 600.0  # likewise
_SCHEMA = InputSchema()
_WEB = ("http://", "https://")


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
        except ValueError as error:
            raise SettingsError(f"{name} cannot be used: {error}") from None
        size = whole(environment, "MAX_FILE_BYTES", _MAX_FILE_BYTES, least=1)
        seconds = number(environment, "FETCH_TIMEOUT", _FETCH_SECONDS, least=1)
        return cls(policy, Limits(size, seconds))

    @asynccontextmanager
    async def fetched(self, url: str, name: str) -> AsyncIterator[Path]:
        """The recording behind ``url`` while the body runs; then it is deleted.

        Raises InvalidAudio that names the input, ``name``.
        """
        with TemporaryDirectory(prefix="recording-") as folder:
            target = Path(folder) / "recording"
            await self._fetch(url, target, name)
            yield target

    @asynccontextmanager
    async def with_clips(self, options: Options) -> AsyncIterator[Options]:
        """``options`` with the known speakers' clips as files, while the body runs.

        Raises InvalidInput that names the clip.
        """
        with TemporaryDirectory(prefix="clips-") as folder:
            clips = [
                Path(folder) / str(number)
                for number, _ in enumerate(options.known_speaker_references, start=1)
            ]
            for clip, source in zip(clips, options.known_speaker_references, strict=True):
                await self._keep_clip(source, clip)
            yield replace(options, known_speaker_references=tuple(map(str, clips)))

    async def _fetch(self, url: str, target: Path, name: str) -> None:
        try:
            await fetch(url, target, policy=self.policy, limits=self.limits)
        except FetchFailed as failure:
            raise InvalidAudio(f"cannot be fetched: {failure}", name) from None

    async def _keep_clip(self, source: str, clip: Path) -> None:
        try:
            if source.startswith(_WEB):
                await self._fetch(source, clip, REFERENCES)
            else:
                content = decoded(source, REFERENCES, self.limits.max_bytes)
                await asyncio.to_thread(clip.write_bytes, content)
        except InvalidInput as error:
            raise InvalidInput(REFERENCES, f"clip {clip.name}: {error.reason}") from None


def read_options(inputs: Mapping[str, Any]) -> Options:
    """Options from a request's JSON; null counts as absent. Raises InvalidInput.

    Known speakers' clips are still URLs or data URIs: `Sources.with_clips` makes files of them.
    """
    try:
        _, options = _SCHEMA.read(inputs)
    except InvalidInputs as invalid:
        raise invalid.found[0] from None
    for position, clip in enumerate(options.known_speaker_references, start=1):
        # To the core these are paths, and no client may name a file of this machine.
        if not (clip.startswith(_WEB) or encoded.is_encoded(clip)):
            raise InvalidInput(REFERENCES, f"clip {position}: is no http(s) URL and no data URI")
    return options


def urls_of_clips(options: Options) -> tuple[str, ...]:
    """The addresses that `Sources.with_clips` will call."""
    return tuple(clip for clip in options.known_speaker_references if clip.startswith(_WEB))


def decoded(text: str, name: str, max_bytes: int) -> bytes:
    """A file from base64 or a data URI. Raises InvalidInput that names the input."""
    content = bytearray()
    for part in encoded.decoded(text, name):
        content += part
        if len(content) > max_bytes:
            raise InvalidInput(name, f"the file is larger than {max_bytes} bytes")
    return bytes(content)


def explain(error: Exception) -> str:
    """What a client may read of ``error``; a defect of ours goes to the operator's log alone."""
    if isinstance(error, TranscriptionError):
        return str(error)
    traceback.print_exception(error)
    return "Internal error; the operator's log has the details."
