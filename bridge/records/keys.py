"""Every key of ours in Redis, and how long it lives.

Each has a time to live: a week while a prediction lives (renewed by each write), ``RESULT_TTL``
from its end. Only what somebody corrected stays until it is deleted, and the lists of it.
An ``<id>`` is a `Key`, and the lists of a tenant other than ``default`` end in ``:<tenant>``.

    prediction:<id>           hash: record, output, corrections, peaks, each sealed JSON; status;
                              seconds of the recording, once they are known
    prediction:<id>:secrets   the secret inputs, until the prediction has ended
    prediction:<id>:segments  hash: what the run under way has recognized so far, and its number
    prediction:<id>:batches   hash: the same, for the run that goes on if that one is lost
    predictions:all           ids by creation time, for listing
    predictions:kept          ids of what was corrected, by the time of the latest correction
    predictions:unfinished    ids by creation time: the queue and what runs
    webhooks:pending          "<id> <event>" of client webhooks still to be delivered
    webhooks:tries            how often each of them was tried
    webhooks:dead             those that were given up
    idempotency:<digest>      the id that a request was answered with
    files:all                 ids of uploaded files by upload time
    file:<id>                 an uploaded file's description (JSON)
    runs:pace                 hash: lengths and times of the latest runs, for estimates
    limits:<key>:requests     times of the latest requests with a key of API_KEYS_FILE
    limits:<key>:unfinished   ids of predictions that were made with it
    limits:<key>:day          hash: how many seconds of recordings today, and which day that is
    limits:<key>:bytes        hash: what is stored for it, with its size
    turns:<line>:waiting      (each tenant's, with `:<tenant>` behind, also of ``default``) ids of
                              what waits for a slot by creation time; the lines: `run`, `fetch`
    turns:<line>:admitted     ids of what was handed to docket, by the time of that
    turns:<line>:order        tenants with something that waits, by the time of their last turn
    turns:<line>:last         every tenant's last turn
    turns:<line>:slots        bridges, each with its slots, by the time till which they count
    tenants:known             names of the tenants besides ``default``
"""

from typing import Any

from bridge.records.tenants import Key

LIVE_TTL = 7 * 86_400  # seconds; longer than any queue, so that only an abandoned record expires
ALL = "predictions:all"
KEPT = "predictions:kept"
UNFINISHED = "predictions:unfinished"
PENDING = "webhooks:pending"
TRIES = "webhooks:tries"
DEAD = "webhooks:dead"
PACE = "runs:pace"
FILES = "files:all"
TENANTS = "tenants:known"
TURNS = ("waiting", "admitted", "order", "last", "slots")
LIMITS = ("requests", "unfinished", "day", "bytes")
CHANGES = "predictions:changed"  # a channel, not a key: ids of records that were just written


def limit(key_id: str, what: str) -> str:
    """One of LIMITS of a key."""
    return f"limits:{key_id}:{what}"


def turn(line: str, part: str) -> str:
    """One of TURNS of a line."""
    return f"turns:{line}:{part}"


def prediction(prediction_id: Key) -> str:
    """The record, its output, status, cancel request and corrections."""
    return f"prediction:{prediction_id}"


def secrets(prediction_id: Key) -> str:
    """The secret inputs of a prediction that has not ended."""
    return f"prediction:{prediction_id}:secrets"


def segments(prediction_id: Key) -> str:
    """What the run under way has recognized so far."""
    return f"prediction:{prediction_id}:segments"


def batches(prediction_id: Key) -> str:
    """The same, for the run that continues if this one is lost."""
    return f"prediction:{prediction_id}:batches"


def idempotency(digest: str) -> str:
    """The id that the request with this digest was answered with."""
    return f"idempotency:{digest}"


def file(file_id: Key) -> str:
    """An uploaded file's description."""
    return f"file:{file_id}"


def note(prediction_id: Key, event: str) -> str:
    """How `PENDING` and `TRIES` name a webhook."""
    return f"{prediction_id} {event}"


def letter(prediction_id: Key, event: str) -> str:
    """How `DEAD` names it, among its tenant's."""
    return f"{prediction_id.public}_{event}"


def text(value: Any) -> str:
    """What Redis answers: bytes, on a connection that decodes nothing."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
