"""From what a client names to a checked file in the folder of recordings.

A recording, or a known speaker's clip, comes as a data URI or base64, as a link to a file that was
uploaded before, with the request itself, or as a URL that is to be downloaded. All of them end
here: stored under a name of our own, and probed.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.links import Links
from bridge.recordings.files import Files, Stored
from bridge.recordings.probe import Probe
from bridge.recordings.uploads import Uploads
from bridge.records.prediction import Recording
from bridge.records.tenants import Tenant, new_id
from bridge.settings import Settings
from outbound.fetch import FetchFailed, Limits, fetch
from outbound.policy import AddressRefused
from transcription.encoded import is_encoded, media_type
from transcription.errors import InvalidAudio, InvalidInput
from transcription.options import REFERENCES


@dataclass(frozen=True, slots=True)
class Upload:
    """A recording that came with the request and is stored already."""

    field: str
    filename: str
    recording: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class Source:
    """Where a recording, or a known speaker's clip, comes from."""

    field: str
    """The input that an error names."""
    given: str | Upload
    track: str | None = None
    """Which of its audio tracks is meant."""

    @property
    def name(self) -> str | None:
        """Its name in the folder of recordings, where it is stored already."""
        return self.given.recording if isinstance(self.given, Upload) else None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A recording that is here or, with a ``source``, has to be downloaded.

    ``shown`` is what the record shows in its place, ``bytes`` is what it takes on the disk,
    ``seconds`` its length, None where the file does not state one.
    """

    recording: Recording
    shown: str
    bytes: int = 0
    seconds: float | None = None


class Arrivals:
    """Stores and checks recordings."""

    def __init__(
        self, settings: Settings, files: Files, uploads: Uploads, links: Links, probe: Probe
    ) -> None:
        self._settings: Final = settings
        self._files: Final = files
        self._uploads: Final = uploads
        self._links: Final = links
        self._probe: Final = probe

    @contextlib.asynccontextmanager
    async def kept(
        self,
        sources: Sequence[Source],
        tenant: Tenant,
        webhook: str | None,
        prefix: str = "",
    ) -> AsyncIterator[list[Arrived]]:
        """The recordings, stored and checked; if the body fails, they are deleted again.

        Only the tenant's own files can be linked to. The address of the client's ``webhook`` is
        checked first. ``prefix`` is what the recordings' names begin with. Raises InvalidAudio,
        InvalidInput, TooLarge or DiskFull.
        """
        named = {source.name or prefix + new_id(): source for source in sources}
        try:
            if webhook is not None:
                await self._check_url("webhook", webhook)
            yield [await self._keep(name, source, tenant) for name, source in named.items()]
        except BaseException:
            self._files.remove(*named)
            raise

    async def _keep(self, name: str, source: Source, tenant: Tenant) -> Arrived:
        field, given = source.field, source.given
        if isinstance(given, Upload):
            shown, size, taken = given.filename, given.stored.size, given.stored.size
        elif is_encoded(given):
            size = taken = (await self._files.write_encoded(name, given, field)).size
            shown = f"data:{media_type(given)}"
        elif own := self._links.file_named_by(given):
            # One of our own links: the file is here already, perhaps behind a private address.
            size, taken = await self._uploads.link(tenant.key(own.public), name, field), 0
            shown = given.partition("?")[0]
        else:
            await self._check_url(field, given)
            return Arrived(Recording(name, given), given)
        seconds = await self._check(name, field, size, source.track)
        return Arrived(Recording(name), f"{shown} ({size} bytes)", taken, seconds)

    async def download(
        self, recording: str, field: str, source: str, track: str | None = None
    ) -> Arrived:
        """Fetch and check what the URL ``source`` points to.

        It has its name once it is whole and checked. Raises InvalidInput, or OSError when it
        cannot be stored.
        """
        path = self._files.path(recording)
        arriving = path.with_name(f"{path.name}.part")
        limits = Limits(await self._files.room(), self._settings.fetch_timeout)
        try:
            size = await fetch(source, arriving, policy=self._settings.policy, limits=limits)
            seconds = await self._check(arriving.name, field, track=track)
            arriving.rename(path)
        except FetchFailed as failure:
            raise InvalidAudio(f"could not be downloaded: {failure}", field) from None
        finally:
            arriving.unlink(missing_ok=True)
        return Arrived(Recording(recording), source, size, seconds)

    async def _check(
        self, recording: str, field: str, size: int | None = None, track: str | None = None
    ) -> float | None:
        """The length of a stored recording in seconds, None where it tells none, or of a clip.

        Raises InvalidInput unless it can be used.
        """
        if size == 0:
            raise InvalidAudio("the file is empty", field)
        path = self._files.path(recording)
        if field == REFERENCES:
            await self._probe.check_clip(path)
            return None
        return await self._probe.check_audio(
            path, self._settings.max_audio_seconds, field, track=track
        )

    async def _check_url(self, field: str, text: str) -> None:
        """Raises InvalidInput unless the URL's address may be called."""
        policy = self._settings.policy
        try:
            await policy.check(policy.parse_url(text))
        except AddressRefused as refusal:
            raise InvalidInput(field, str(refusal)) from None
