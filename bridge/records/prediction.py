"""A prediction's life: its states, what may happen to it, and the record that tells of it.

Two rules keep this file honest:
  1. every change of a status happens in `advance`, along the arrows of `TRANSITIONS`;
  2. nothing here knows the time, Redis or HTTP: callers bring the clock.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bridge.records.tenants import Key


class Status(StrEnum):
    """The five words that Replicate's clients know; they accept no other."""

    STARTING = "starting"
    """Accepted: its recording is fetched, or it waits for its turn."""
    PROCESSING = "processing"
    """Cog runs it."""
    SUCCEEDED = "succeeded"
    """Done; ``output`` holds the result."""
    FAILED = "failed"
    """It cannot be done; ``error`` says why."""
    CANCELED = "canceled"
    """Stopped because somebody asked for it."""


# A running prediction goes back to `starting` when the worker that ran it was lost.
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.STARTING: frozenset(
        {Status.PROCESSING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}
    ),
    Status.PROCESSING: frozenset(
        {Status.STARTING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}
    ),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}
EVENTS = ("start", "output", "logs", "completed")  # of clients' webhooks
TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that a prediction needs: its name in the folder of files, and where it comes from.

    ``source`` is the URL to fetch it from, or None when it was sent along.
    """

    name: str
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The record of one prediction, without its output (which the store keeps beside it).

    ``id`` tells its tenant, too: what the client calls it is ``id.public``.
    ``input`` is what the client may read back: secrets masked, file contents replaced by a note.
    ``source`` is the URL to fetch the recording from, or None when it was sent along;
    ``recording`` is its name in the folder of files. ``references`` are the known speakers' clips.
    ``base_url`` begins its links where no request is at hand. ``attempt`` counts the runs that Cog
    accepted; ``lost_in_company``: one was lost beside others; ``handed_on``: the last one that a
    stopping bridge left to the next. ``deadline`` is when its end will be asked for, ``webhook``
    the client's receiver of ``webhook_events``, ``fingerprint`` a digest of the request,
    ``key_id`` its key in API_KEYS_FILE, ``traceparent`` what its trace goes on from. Times are
    aware datetimes.
    """

    id: Key
    model: str
    version: str
    input: Mapping[str, Any]
    created_at: datetime
    status: Status = Status.STARTING
    source: str | None = None
    recording: str = ""
    references: tuple[Recording, ...] = ()
    error: str | None = None
    logs: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline: datetime | None = None
    cancel_requested: bool = False
    attempt: int = 0
    lost_in_company: bool = False
    handed_on: int = 0
    base_url: str = ""
    webhook: str | None = None
    webhook_events: tuple[str, ...] = ()
    fingerprint: str = ""
    traceparent: str = ""
    key_id: str = ""

    @property
    def terminal(self) -> bool:
        """Whether nothing can change any more."""
        return self.status in TERMINAL

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """Every file that it needs."""
        return (Recording(self.recording, self.source), *self.references)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the inverse of `from_dict`."""
        # Not `asdict`, which copies every log and metric first: a run writes its record six times.
        plain = {name: getattr(self, name) for name in self.__slots__}
        plain["references"] = [asdict(one) for one in self.references]
        for name in ("traceparent", "handed_on"):
            if not plain[name]:  # unknown to the releases before, which may have to read it
                del plain[name]
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in plain.items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The record behind `to_dict`'s JSON."""
        times = {
            name: datetime.fromisoformat(data[name]) if data[name] else None
            for name in ("created_at", "started_at", "completed_at", "deadline")
        }
        events = tuple(data["webhook_events"])
        status = Status(data["status"])
        references = tuple(Recording(**one) for one in data.get("references", ()))
        # A later release may have written fields that this one does not know.
        plain = {name: data[name] for name in cls.__slots__ if name in data}
        plain |= {**times, "id": Key(data["id"]), "references": references}
        return cls(**{**plain, "status": status, "webhook_events": events})


@dataclass(frozen=True, slots=True)
class Started:
    """Cog accepted run number ``attempt``."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """Cog reported the log so far of run number ``attempt``."""

    attempt: int
    logs: str
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """Run number ``attempt`` ended: with an error, or else with an output."""

    attempt: int
    logs: str
    metrics: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Run number ``attempt`` was stopped before its end.

    On request, if there was one; else its worker, perhaps with other runs, was lost, or its bridge
    stops and leaves it to the next one; run it again.
    """

    attempt: int
    logs: str = ""
    in_company: bool = False
    handed_on: bool = False


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A client asked for its end."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It can never run, for the reason in ``error``."""

    error: str


Event = Started | Progressed | Finished | Stopped | CancelRequested | Rejected


def advance(  # noqa: PLR0911 - one case per event, one line each
    prediction: Prediction, event: Event, now: datetime
) -> Prediction:
    """The prediction after ``event``; the same object when the event no longer matters.

    A terminal prediction never changes, and news of an earlier attempt is old news.
    """
    if prediction.terminal or _is_old(prediction, event):
        return prediction
    match event:
        case Started(attempt):
            return _move(
                prediction,
                Status.PROCESSING,
                attempt=attempt,
                started_at=prediction.started_at or now,
                logs="",
            )
        case Progressed(attempt, logs, metrics):
            # Cog sends its webhooks side by side: this one may overtake the one of the start.
            started = advance(prediction, Started(attempt), now)
            return replace(
                started,
                logs=_longer(started.logs, logs),
                metrics={**started.metrics, **metrics},
            )
        case Finished():
            return _finish(prediction, event, now)
        case Stopped():
            return _stop(prediction, event, now)
        case CancelRequested():
            if prediction.status is Status.STARTING:
                return _end(prediction, Status.CANCELED, now, cancel_requested=True)
            return replace(prediction, cancel_requested=True)
        case Rejected(error):
            return _end(prediction, Status.FAILED, now, error=error)


def _is_old(prediction: Prediction, event: Event) -> bool:
    """Whether the event tells of a run before the current one, or of a start already known."""
    match event:
        case Started(attempt):
            return attempt <= prediction.attempt
        case Progressed(attempt) | Finished(attempt) | Stopped(attempt):
            return attempt < prediction.attempt
        case _:
            return False


def _stop(prediction: Prediction, event: Stopped, now: datetime) -> Prediction:
    if prediction.cancel_requested:
        return _end(prediction, Status.CANCELED, now, attempt=event.attempt)
    # A run that is lost before Cog reported its start counts, too, or this would never end.
    after = _move(
        prediction,
        Status.STARTING,
        attempt=event.attempt,
        lost_in_company=prediction.lost_in_company or event.in_company,
        handed_on=event.attempt if event.handed_on else prediction.handed_on,
    )
    return prediction if after == prediction else after


def _finish(prediction: Prediction, event: Finished, now: datetime) -> Prediction:
    total = (now - prediction.created_at).total_seconds()
    return _end(
        prediction,
        Status.SUCCEEDED if event.error is None else Status.FAILED,
        now,
        attempt=event.attempt,
        started_at=prediction.started_at or now,
        error=event.error,
        logs=_longer(prediction.logs, event.logs),
        metrics={**prediction.metrics, **event.metrics, "total_time": round(total, 3)},
    )


def _end(prediction: Prediction, status: Status, now: datetime, **changes: Any) -> Prediction:
    return _move(prediction, status, completed_at=now, **changes)


def _move(prediction: Prediction, status: Status, **changes: Any) -> Prediction:
    if status is not prediction.status and status not in TRANSITIONS[prediction.status]:
        raise AssertionError(f"no arrow from {prediction.status} to {status}")
    return replace(prediction, status=status, **changes)


def _longer(known: str, new: str) -> str:
    """Cog's logs are cumulative, but come in any order, and not with a failed answer."""
    return new if len(new) >= len(known) else known
