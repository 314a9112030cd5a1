"""Whatever is sent to any route, the answer is one that `/openapi.json` describes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.settings import ROOT
from tests.clients.helpers import PREDICTOR
from tests.conftest import start_stack, stop_stack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
    "ignored_auth",
)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    stack = start_stack(tmp_path, COG_PREDICT_TYPE_STUB=PREDICTOR, SYNC_TIMEOUT="20")
    try:
        found = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url}/openapi.json"),
                *("--header", f"Authorization: Bearer {stack.token}"),
                *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
                *("--max-examples", "8", "--seed", "1", "--no-shrink", "--no-color"),
                *("--max-time", "75", "--generation-database", "none"),
                *("--request-timeout", "60", "--continue-on-failure", "--warnings", "off"),
                # Its answers are events without end: see the tests of streams.
                *("--exclude-path", "/v1/predictions/{id}/stream"),
            ],
            cwd=tmp_path,  # it leaves a folder of its own
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.fixtures.openapi_hooks",
            },
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        assert stack.healthy()
    finally:
        stop_stack(stack)
