"""Spans on their way to the collector. Imported only where there is one: see `tracing`."""

import logging
from collections.abc import Sequence
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

_SERVICE = "whisperx-bridge"
_LAST_SECONDS = 2.0  # for the spans that are left when the bridge ends
# They tell of every try and of every batch that was dropped.
_TALKATIVE = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")
_log = logging.getLogger(__name__)


class Exporter(OTLPSpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    _away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch; what cannot be sent is dropped."""
        result = super().export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            _log.warning("OTEL_EXPORTER_OTLP_ENDPOINT: nobody takes traces; they are dropped")
        elif self._away and not away:
            _log.warning("OTEL_EXPORTER_OTLP_ENDPOINT: traces are taken again")
        self._away = away
        return result


def provider_for(endpoint: str) -> TracerProvider:
    """What makes spans and sends them to ``endpoint`` in a thread of its own."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # OTEL_SERVICE_NAME is that of Cog as well, where one environment serves both: ours says more.
    resource = Resource.create({SERVICE_NAME: _SERVICE})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = Exporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def leave(provider: TracerProvider) -> None:
    """Send what is left, as long as that does not hold up the end of the process."""
    last = Thread(target=provider.shutdown, daemon=True)
    last.start()
    last.join(_LAST_SECONDS)
