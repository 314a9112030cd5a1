"""One trace from a client's request to its webhook, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

Where it is not, nothing is loaded for it and a span costs nothing. The provider is our
own and not the process's: docket's spans, which know no parent, stay out of the tree. What joins
the spans of several bridges, and of Cog, is the ``traceparent`` in the record. No attribute holds
text, a query string or a token.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"
PREDICTION = "whisperx.prediction.id"

Attributes = Mapping[str, str | int | float]
Kind = Literal["INTERNAL", "SERVER", "CLIENT"]

_SERVICE = "whisperx-bridge"
_log = logging.getLogger(__name__)
_tracer: "Tracer | None" = None


@dataclass(frozen=True, slots=True)
class Span:
    """A step under way; attributes of one that nobody traces are dropped."""

    traceparent: str = ""
    _span: "OtelSpan | None" = None

    def set(self, attributes: Attributes) -> None:
        """Add to what is known of it."""
        if self._span is not None:
            self._span.set_attributes(dict(attributes))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that carry the trace on."""
        return {HEADER: self.traceparent} if self.traceparent else {}


_current: ContextVar[Span] = ContextVar("server", default=Span())  # noqa: B039 - it is frozen


@asynccontextmanager
async def tracing(endpoint: str) -> AsyncIterator[None]:
    """Spans go to ``endpoint`` while the block runs; nothing is traced where it is empty."""
    global _tracer  # noqa: PLW0603 - one process, one tracer, as with logging
    if not endpoint:
        yield
        return
    # A start takes less than a second, and most do not need it.
    from predictor.collector import leave, provider_for  # noqa: PLC0415

    # OTEL_SERVICE_NAME is that of Cog as well, where one environment serves both: ours says more.
    provider = provider_for(endpoint, _SERVICE, _log.warning)
    _tracer = provider.get_tracer("whisperx-stack")
    try:
        yield
    finally:
        _tracer = None
        await asyncio.to_thread(leave, provider)


@contextmanager
def span(
    name: str,
    parent: str,
    kind: Kind = "INTERNAL",
    attributes: Attributes | None = None,
    unless: type[Exception] | None = None,
) -> Iterator[Span]:
    """A step of the trace while the block runs, below ``parent`` (a traceparent).

    One that ends with the error ``unless`` did not happen.
    """
    if _tracer is None:
        yield Span()
        return
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - see `tracing`

    began = _tracer.start_span(name, _context(parent), SpanKind[kind], dict(attributes or {}))
    try:
        yield Span(_traceparent(began), began)
    except BaseException as error:
        if unless is not None and isinstance(error, unless):
            raise
        # Its text may hold what nobody else should read.
        began.set_attribute("error.type", type(error).__name__)
        began.set_status(StatusCode.ERROR)
        began.end()
        raise
    began.end()


def note(name: str, parent: str, began: datetime, ended: datetime, attributes: Attributes) -> None:
    """A step of the trace that is over."""
    if _tracer is None:
        return
    start, end = (int(time.timestamp() * 1e9) for time in (began, ended))
    _tracer.start_span(name, _context(parent), attributes=dict(attributes), start_time=start).end(
        end
    )


def current() -> Span:
    """The span of the request that is being answered."""
    return _current.get()


@web.middleware
async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A span around each request that changes something, or that belongs to a client's trace."""
    given = request.headers.get(HEADER, "")
    if _tracer is None or (request.method in ("GET", "HEAD", "OPTIONS") and not given):
        return await handler(request)
    route = route_of(request)
    known = {"http.request.method": request.method, "http.route": route}
    with span(f"{request.method} {route}", given, "SERVER", known) as server:
        token = _current.set(server)
        try:
            response = await handler(request)
        finally:
            _current.reset(token)
        server.set({"http.response.status_code": response.status})
        return response


def route_of(request: web.Request) -> str:
    """The path that the request's route was declared with, empty where there is none."""
    resource = request.match_info.route.resource
    return resource.canonical.removeprefix("/v1").removeprefix("/v1") if resource else ""


def _context(parent: str) -> "Context":
    from opentelemetry.context import Context  # noqa: PLC0415 - see `tracing`

    return _propagator().extract({HEADER: parent}, Context())


def _traceparent(begun: "OtelSpan") -> str:
    from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - see `tracing`

    carrier: dict[str, str] = {}
    _propagator().inject(carrier, set_span_in_context(begun))
    return carrier.get(HEADER, "")


def _propagator() -> "TraceContextTextMapPropagator":
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - see `tracing`
        TraceContextTextMapPropagator,
    )

    return TraceContextTextMapPropagator()
