"""The stages of a run as spans below Cog's own, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

Cog calls the predictor inside its span. The provider is our own: with Cog's, a collector that is
away holds up the worker's end by ten seconds and is noted in the client's log. Without the
variable nothing is imported.
"""

import os
import time
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Final

from cog import current_scope

from predictor.log import note
from transcription.findings import Report

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def trace_stages(report: Report) -> None:
    """Tells of the stages that a run went through, just after it."""
    endpoint = os.environ.get(ENDPOINT)
    if not endpoint:
        return
    context = getattr(current_scope(), "context", None) or {}
    prediction = context.get("run", "").rpartition("-")[0]
    spans = _spans(endpoint)
    start = time.time() - report.elapsed
    for stage, began in report.began.items():
        if stage in report.seconds:
            at = start + began
            known = {
                "whisperx.prediction.id": prediction.rpartition(".")[2],
                "whisperx.stage": stage,
            }
            span = spans.tracer.start_span(f"stage {stage}", attributes=known, start_time=_nano(at))
            span.end(_nano(at + report.seconds[stage]))
    spans.send()


class _Spans:
    """Where the spans are made, and how they leave."""

    def __init__(self, provider: "TracerProvider") -> None:
        self.tracer: Final = provider.get_tracer("whisperx-stack")
        self._provider: Final = provider
        self._sending = Thread()

    def send(self) -> None:
        """Send them at once, so that nothing is left to send when the worker ends."""
        if not self._sending.is_alive():
            self._sending = Thread(target=self._provider.force_flush, daemon=True)
            self._sending.start()


@cache
def _spans(endpoint: str) -> _Spans:
    from predictor.collector import provider_for  # noqa: PLC0415 - most do not need it

    return _Spans(provider_for(endpoint, os.environ.get("OTEL_SERVICE_NAME") or "cog", note))


def _nano(seconds: float) -> int:
    return int(seconds * 1e9)
