"""Spans on their way to an OpenTelemetry collector. Imported only where there is one."""

import logging
from collections.abc import Callable, Sequence
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

_LAST_SECONDS = 2.0  # for the spans that are left when the process ends
# They tell of every try and of every batch that was dropped.
_TALKATIVE = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")

Say = Callable[[str], None]


class Exporter(OTLPSpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    def __init__(self, endpoint: str, say: Say) -> None:
        super().__init__(endpoint=endpoint)
        self._say = say
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch; what cannot be sent is dropped."""
        result = super().export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            self._say("OTEL_EXPORTER_OTLP_ENDPOINT: nobody takes traces; they are dropped")
        elif self._away and not away:
            self._say("OTEL_EXPORTER_OTLP_ENDPOINT: traces are taken again")
        self._away = away
        return result


def provider_for(endpoint: str, service: str, say: Say) -> TracerProvider:
    """What makes spans of ``service`` and sends them to ``endpoint``, in a thread of its own."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    resource = Resource.create({SERVICE_NAME: service})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = Exporter(f"{endpoint.rstrip('/')}/v1/traces", say)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def leave(provider: TracerProvider) -> None:
    """Send what is left, as long as that does not hold up the end of the process."""
    last = Thread(target=provider.shutdown, daemon=True)
    last.start()
    last.join(_LAST_SECONDS)
