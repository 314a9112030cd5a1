"""Every error answer of the API, made in one place.

The body is a problem (RFC 9457) whose ``detail`` is a string, as Replicate's clients require, and
holds an ``error`` object, as OpenAI's clients require: both families use the same paths.
"""

import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from redis.exceptions import RedisError

from bridge.api.allowances import refusal
from bridge.records.limits import LimitReached
from bridge.records.store import AlreadyExists, QueueFull
from transcription.errors import InvalidInput, TranscriptionError
from transcription.validation import InvalidInputs

_log = logging.getLogger(__name__)
_QUEUE_RETRY_SECONDS = 30
_BUSY_RETRY_SECONDS = 5
_TITLES = {
    400: "Bad request",
    401: "Unauthenticated",
    404: "Not found",
    403: "Forbidden",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    412: "Precondition failed",
    413: "Payload too large",
    415: "Unsupported media type",
    422: "Input validation failed",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
    504: "Gateway timeout",
    507: "Insufficient storage",
}
# The words by which OpenAI's clients tell errors apart; all others are `invalid_request_error`
# below 500 and `server_error` from there on, without a code.
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {
    401: "invalid_api_key",
    404: "not_found",
    413: "file_too_large",
    429: "rate_limit_exceeded",
    504: "still_running",
}
_KEPT_HEADERS = ("Allow", "ETag", "Retry-After", "x-should-retry")
_OUTSIDE_INPUT = ("id", "webhook", "webhook_events_filter", "content", "metadata", "edits")
_DETAILS = {
    404: "There is nothing at this path; docs/api.md lists the routes.",
    405: "This path does not answer this method.",
    413: "The body is larger than this service accepts.",
}


def problem(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    param: str | None = None,
    code: str | None = None,
    **extra: Any,
) -> web.Response:
    """An error answer; ``extra`` members are added to the body.

    ``param`` is the field that is to blame, ``code`` a word for programs.
    """
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    error = {
        "message": detail.strip(),
        "type": kind,
        "param": param,
        "code": code or _CODES.get(status),
    }
    title = _TITLES.get(status, "Error")
    return web.json_response(
        {"title": title, "detail": detail, "status": status, "error": error, **extra},
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


def invalid_inputs(found: list[InvalidInput], status: int = 422) -> web.Response:
    """The answer to inputs that cannot be used: one line of ``detail`` for each."""
    named = [(_path(error.field), error.reason) for error in found]
    return problem(
        status,
        "".join(f"- {path}: {reason}\n" for path, reason in named),
        param=found[0].field,
        invalid_fields=[{"field": path, "description": reason} for path, reason in named],
    )


def _path(field: str) -> str:
    """Where a field stands in the request."""
    return field if field.partition("[")[0] in _OUTSIDE_INPUT else f"input.{field}"


def _detail(error: web.HTTPException) -> str:
    """Our own words where a handler raised the error, better ones than aiohttp's elsewhere."""
    text = error.text or ""
    if not text.startswith(f"{error.status}: "):
        return text
    return _DETAILS.get(error.status, error.reason)


@web.middleware
async def translate(  # noqa: C901, PLR0911 - one answer per kind of error
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Turns whatever a handler raises into an answer; nothing else in the bridge does."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {name: error.headers[name] for name in _KEPT_HEADERS if name in error.headers}
        return problem(error.status, _detail(error), headers=kept)
    except InvalidInputs as error:
        return invalid_inputs(error.found)
    except InvalidInput as error:
        return invalid_inputs([error], error.status)
    except TranscriptionError as error:
        headers = {"Retry-After": str(_BUSY_RETRY_SECONDS)} if error.status == 503 else None
        return problem(error.status, error.detail, headers=headers)
    except AlreadyExists:
        reason = "This id or idempotency key belongs to another request."
        return problem(409, reason, headers={"x-should-retry": "false"})
    except LimitReached as error:
        return problem(429, error.detail, **refusal(error))
    except QueueFull:
        retry = {"Retry-After": str(_QUEUE_RETRY_SECONDS)}
        return problem(429, "Too many unfinished predictions; try again later.", headers=retry)
    except web.RequestPayloadError:
        return problem(400, "The body is not what its headers say.")
    except RedisError:
        _log.exception("Redis does not answer")
        return problem(503, "The record store does not answer.", headers={"Retry-After": "1"})
    except Exception:
        _log.exception("unexpected error in %s %s", request.method, request.path)
        return problem(500, "The server met an unexpected error; its log has the details.")
