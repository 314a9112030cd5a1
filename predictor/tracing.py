"""The stages of a run as spans below Cog's own, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

Cog's worker then has a tracer provider, and calls the predictor inside its span. Without the
variable nothing is imported.
"""

import os
import time

from cog import current_scope

from transcription.findings import Report

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def trace_stages(report: Report) -> None:
    """Tells of the stages that a run went through, just after it."""
    if not os.environ.get(ENDPOINT):
        return
    from opentelemetry import trace  # noqa: PLC0415 - most do not need it

    context = getattr(current_scope(), "context", None) or {}
    prediction = context.get("run", "").rpartition("-")[0]
    tracer = trace.get_tracer("whisperx-stack")
    start = time.time() - report.elapsed
    for stage, began in report.began.items():
        if stage in report.seconds:
            at = start + began
            known = {
                "whisperx.prediction.id": prediction.rpartition(".")[2],
                "whisperx.stage": stage,
            }
            span = tracer.start_span(f"stage {stage}", attributes=known, start_time=_nano(at))
            span.end(_nano(at + report.seconds[stage]))


def _nano(seconds: float) -> int:
    return int(seconds * 1e9)
