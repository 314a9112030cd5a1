"""From what a client names to a checked file in the folder of recordings.

A recording, or a known speaker's clip, comes as a data URI or base64, as a link to a file that was
uploaded before, with the request itself, or as a URL that is to be downloaded. All of them end
here: stored under a name of our own, and probed.
"""

from dataclasses import dataclass, replace
from typing import Final

from bridge.links import Links
from bridge.recordings.files import Files
from bridge.recordings.probe import Probe
from bridge.recordings.uploads import Uploads
from bridge.records.tenants import Tenant
from bridge.settings import Settings
from outbound.fetch import FetchFailed, Limits, check, fetch
from outbound.policy import AddressRefused
from transcription.encoded import is_encoded, media_type
from transcription.errors import InvalidAudio, InvalidInput
from transcription.options import REFERENCES


@dataclass(frozen=True, slots=True)
class Arrived:
    """A recording that is here: its size in bytes, and what the record shows in its place.

    ``stored`` are the bytes that it takes, ``seconds`` its length, None where it tells none.
    """

    size: int
    shown: str
    stored: int
    seconds: float | None = None


class Arrivals:
    """Stores and checks recordings. ``field`` is the input that an error names."""

    def __init__(
        self, settings: Settings, files: Files, uploads: Uploads, links: Links, probe: Probe
    ) -> None:
        self._settings: Final = settings
        self._files: Final = files
        self._uploads: Final = uploads
        self._links: Final = links
        self._probe: Final = probe

    async def keep(
        self, recording: str, field: str, source: str, tenant: Tenant, track: str | None = None
    ) -> Arrived | None:
        """Store and check what ``source`` holds or links to; None for a URL, still to be fetched.

        A link to a file is one of the tenant's own. ``track`` is to be heard. Raises InvalidAudio,
        InvalidInput, TooLarge or DiskFull.
        """
        if is_encoded(source):
            size = (await self._files.write_encoded(recording, source, field)).size
            arrived = Arrived(size, f"data:{media_type(source)}", size)
        elif own := self._links.file_named_by(source):
            # One of our own links: the file is here already, perhaps behind a private address.
            size = await self._uploads.link(tenant.key(own.public), recording, field)
            arrived = Arrived(size, source.partition("?")[0], 0)
        else:
            await self.check_url(field, source)
            return None
        seconds = await self.check(recording, field, arrived.size, track)
        return replace(arrived, seconds=seconds)

    async def download(
        self, recording: str, field: str, source: str, track: str | None = None
    ) -> float | None:
        """Fetch and check what the URL ``source`` points to; its length, None where it tells none.

        It has its name once it is whole and checked. Raises InvalidInput, or OSError when it
        cannot be stored.
        """
        path = self._files.path(recording)
        arriving = path.with_name(f"{path.name}.part")
        limits = Limits(await self._files.room(), self._settings.fetch_timeout)
        try:
            await fetch(source, arriving, policy=self._settings.policy, limits=limits)
            seconds = await self.check(arriving.name, field, track=track)
            arriving.rename(path)
        except FetchFailed as failure:
            raise InvalidAudio(f"could not be downloaded: {failure}", field) from None
        finally:
            arriving.unlink(missing_ok=True)
        return seconds

    async def check(
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

    async def check_url(self, field: str, text: str) -> None:
        """Raises InvalidInput unless the URL's address may be called."""
        policy = self._settings.policy
        try:
            await check(policy.parse_url(text), policy)
        except AddressRefused as refusal:
            raise InvalidInput(field, str(refusal)) from None
