"""From a checked request to a queued prediction: recording kept, record written, task added."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from redis.exceptions import RedisError

from bridge.intake.validation import Inputs
from bridge.recordings.arrive import Arrivals, Arrived, Source, Upload
from bridge.recordings.files import Files
from bridge.records.idempotency import Idempotency
from bridge.records.limits import Claim
from bridge.records.pace import QueuePlace
from bridge.records.prediction import EVENTS, Prediction
from bridge.records.store import AlreadyExists, Store
from bridge.records.tenants import Key, Principal
from bridge.settings import Settings
from bridge.tasks import tracing
from bridge.tasks.queue import Queue
from transcription.options import AUDIO_NAMES, REFERENCES, SECRETS, TRACK

MASK = "**********"  # what Replicate's and Cog's own answers show for a secret
_CLAIM_LOOKS, _CLAIM_PAUSE = 40, 0.05  # seconds; together longer than a request takes to record
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request comes from, and whether it was sent before."""

    base_url: str = ""
    """How the client reaches us."""
    sender: str = field(default="", repr=False)
    """Who asks, as a token or nothing; requests of others are never repetitions of this one."""
    holder: Principal = Principal()
    """Whose key it was sent with."""
    idempotency_key: str | None = None
    is_retry: bool = False
    """Whether a prediction with the same ``repeat`` is to be joined, not replaced."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asks for, whatever route it came by."""

    id: Key
    named: bool = False
    """Whether the client chose the id, so that there may be such a prediction already."""
    inputs: Mapping[str, Any]
    upload: Upload | None = None
    webhook: str | None = None
    webhook_events: tuple[str, ...] = EVENTS
    cancel_after: timedelta | None = None
    origin: Origin = field(default_factory=Origin)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of what is asked; the id is not part of it."""
        upload = self.upload.stored.sha256 if self.upload else None
        document = [dict(self.inputs), upload, self.webhook, list(self.webhook_events)]
        return _digest(json.dumps(document, sort_keys=True))

    @cached_property
    def repeat(self) -> str:
        """A digest that is the same when the request is sent again."""
        origin, tenant = self.origin, self.id.tenant.name
        if origin.idempotency_key is not None:
            return _digest("key", tenant, origin.sender, origin.idempotency_key)
        return _digest("body", tenant, origin.sender, self.fingerprint)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The prediction that stands for a request, and, if it is new, its place in the queue."""

    prediction: Prediction
    place: QueuePlace | None = None


class Intake:
    """Accepts predictions."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a prediction touches before it is queued
        self,
        settings: Settings,
        store: Store,
        files: Files,
        arrivals: Arrivals,
        idempotency: Idempotency,
        queue: Queue,
        version: str,
    ) -> None:
        self._settings: Final = settings
        self._store: Final = store
        self._files: Final = files
        self._arrivals: Final = arrivals
        self._idempotency: Final = idempotency
        self._queue: Final = queue
        self.inputs: Final = Inputs(settings.names, settings.align_model_names)
        self.version: Final = version

    async def accept(self, request: Request) -> Accepted:
        """Record and queue a prediction; for one that was accepted before, its record.

        Raises InvalidInputs or InvalidInput for what cannot be used, DiskFull, QueueFull,
        LimitReached, and AlreadyExists when the id belongs to another request.
        """
        try:
            known = await self._known(request)
            accepted = Accepted(known) if known else await self._record(request)
        except AlreadyExists:
            self._discard(request.upload)
            # Perhaps by the same request, sent twice at once.
            if (known := await self._known(request)) is None:
                raise
            return Accepted(known)
        except BaseException:
            self._discard(request.upload)
            await self._idempotency.release(request.repeat)
            raise
        if known is not None:
            self._discard(request.upload)
            return accepted
        _log.info("prediction %s: accepted", request.id)
        tracing.current().set({tracing.PREDICTION: request.id.public})
        await self._enqueue(accepted.prediction)
        return accepted

    def _discard(self, upload: Upload | None) -> None:
        if upload is not None:
            self._files.remove(upload.recording)

    async def _enqueue(self, prediction: Prediction) -> None:
        """Queue what is recorded. From here on it is accepted, whatever happens."""
        try:
            await self._queue.submit(prediction)
        except RedisError:
            _log.warning("prediction %s: queued later, by the sweep", prediction.id)

    async def _known(self, request: Request) -> Prediction | None:
        """The prediction that this request created before, if it did."""
        existing = await self._store.get(request.id) if request.named else None
        if existing is not None:
            if existing.fingerprint != request.fingerprint:
                raise AlreadyExists
            return existing
        first = await self._idempotency.claim(
            request.repeat, request.id, renew=not request.origin.is_retry
        )
        if first == request.id:
            return None
        # The first request may still be on its way to its record.
        for _ in range(_CLAIM_LOOKS):
            known = await self._store.get(first)
            if known is not None and known.fingerprint != request.fingerprint:
                raise AlreadyExists
            if known is not None:
                return known
            await asyncio.sleep(_CLAIM_PAUSE)
        return None

    async def _record(self, request: Request) -> Accepted:
        upload = request.upload
        sent = {} if upload is None else {upload.field: f"upload:{upload.filename}"}
        asked = self.inputs.check({**request.inputs, **sent})
        given = upload if upload is not None and upload.field == asked.field else asked.recording
        sources = [
            Source(asked.field, given, asked.inputs.get(TRACK)),
            *(Source(REFERENCES, uri) for uri in asked.inputs.get(REFERENCES, ())),
        ]
        tenant, webhook = request.id.tenant, request.webhook
        async with self._arrivals.kept(sources, tenant, webhook) as arrived:
            inputs = {**asked.inputs, asked.field: arrived[0].shown}
            prediction = self._prediction(request, arrived, inputs)
            holder = request.origin.holder
            size = sum(one.bytes for one in arrived)
            claim = Claim(holder.key_id, holder.limits, arrived[0].seconds, size)
            place = await self._store.create(prediction, _secrets(inputs), claim)
        return Accepted(prediction, place)

    def _prediction(
        self, request: Request, arrived: Sequence[Arrived], inputs: Mapping[str, Any]
    ) -> Prediction:
        """The new record; the first that arrived is the recording, the others are clips."""
        now = datetime.now(UTC)
        (recording, *clips), shown = [one.recording for one in arrived], _shown(inputs)
        if clips:
            shown[REFERENCES] = [one.shown for one in arrived[1:]]
        return Prediction(
            id=request.id,
            model=self._settings.model_name,
            version=self.version,
            input=shown,
            created_at=now,
            source=recording.source,
            recording=recording.name,
            references=tuple(clips),
            deadline=now + request.cancel_after if request.cancel_after else None,
            base_url=request.origin.base_url,
            webhook=request.webhook,
            webhook_events=request.webhook_events,
            fingerprint=request.fingerprint,
            traceparent=tracing.current().traceparent,
            key_id=request.origin.holder.key_id,
        )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()


def _shown(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the record shows them."""
    return {
        name: MASK if name in SECRETS else value
        for name, value in inputs.items()
        if value is not None and not (name in AUDIO_NAMES and value == "")
    }


def _secrets(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: inputs[name] for name in SECRETS if inputs.get(name) is not None}
