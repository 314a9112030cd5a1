"""Traced stages hold up neither a run nor the end of its worker, whatever the collector does."""

import os
import socket
import subprocess
import sys
import time

import pytest

from stack.settings import ROOT, free_port

CODE = """
from predictor.tracing import trace_stages
from transcription.findings import Report
report = Report(None, {"decode": 0.1}, began={"decode": 0.0})
for _ in range(50):
    trace_stages(report)
print("traced", flush=True)
"""


@pytest.mark.parametrize("hangs", [False, True])
def test_a_collector_that_takes_nothing_holds_no_worker_up(hangs: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if hangs else free_port()
        with subprocess.Popen(
            [sys.executable, "-c", CODE],
            cwd=ROOT,
            env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            ending = time.monotonic()
            _, said = process.communicate(timeout=60)
    assert line == "traced\n", said
    assert process.returncode == 0, said
    assert time.monotonic() - ending < 4, "a try takes ten seconds"
    assert "opentelemetry" not in said
