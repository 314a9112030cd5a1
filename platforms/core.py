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
class Recording:
    """What a request's input ``field`` holds: a URL or, where ``encoded``, a file in base64.

    It is looked at when it is fetched, which is after the options were checked. ``required`` is
    what the client reads where it is no text.
    """

    field: str
    given: object
    encoded: bool = False
    required: str = "an http(s) URL is required"


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
    async def fetched(
        self, recording: Recording, options: Options
    ) -> AsyncIterator[tuple[Path, Options]]:
        """The recording, and ``options`` with the known speakers' clips, as files for the body.

        They are deleted after it. Raises InvalidInput that names the input, and the clip.
        """
        with TemporaryDirectory(prefix="recording-") as name:
            folder = Path(name)
            path = folder / "recording"
            await self._keep(recording, path)
            clips = [
                await self._keep_clip(given, number, folder / f"clip-{number}")
                for number, given in enumerate(options.known_speaker_references, start=1)
            ]
            yield path, replace(options, known_speaker_references=tuple(clips))

    async def _keep_clip(self, given: str, number: int, target: Path) -> str:
        clip = Recording(REFERENCES, given, encoded=not given.startswith(_WEB))
        try:
            await self._keep(clip, target)
        except InvalidInput as error:
            raise InvalidInput(REFERENCES, f"clip {number}: {error.reason}") from None
        return str(target)

    async def _keep(self, recording: Recording, target: Path) -> None:
        field, given = recording.field, recording.given
        if not isinstance(given, str) or not given:
            raise InvalidInput(field, recording.required)
        if recording.encoded:
            content = _decoded(given, field, self.limits.max_bytes)
            await asyncio.to_thread(target.write_bytes, content)
            return
        try:
            await fetch(given, target, policy=self.policy, limits=self.limits)
        except FetchFailed as failure:
            raise InvalidAudio(f"cannot be fetched: {failure}", field) from None


def read_options(inputs: Mapping[str, Any]) -> Options:
    """Options from a request's JSON; null counts as absent. Raises InvalidInput.

    Known speakers' clips are still URLs or data URIs: `Sources.fetched` makes files of them.
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
    """The addresses that `Sources.fetched` will call."""
    return tuple(clip for clip in options.known_speaker_references if clip.startswith(_WEB))


def _decoded(text: str, name: str, max_bytes: int) -> bytes:
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
