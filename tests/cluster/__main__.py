"""What only a cluster can show, on the one that kubectl points at: `make test-cluster`.

It makes a namespace, applies k8s/cpu with the demo models, asks for transcripts through the
Service, kills, drains, deletes and restores, prints a table, and removes the namespace.
"""

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster.kubectl import Kubectl, StepFailed, points_at
from tests.cluster.observations import Row, table
from tests.cluster.steps import STEPS, Cluster, apply, becomes_ready
from tests.manifests.documents import images

NEEDED = (apply, becomes_ready)  # without these nothing else can be seen


def run(cluster: Cluster) -> list[Row]:
    """Every step; the first two have to succeed for the others to be tried."""
    rows = []
    for step in STEPS:
        began, failed = time.monotonic(), False
        try:
            seen = step(cluster)
        except StepFailed as failure:
            failed, seen = True, str(failure)
        name = step.__name__.replace("_", " ")
        rows.append(Row(name, failed, time.monotonic() - began, seen))
        print(f"cluster: {name}: {'FAILED: ' if failed else ''}{seen}", file=sys.stderr, flush=True)
        if failed and step in NEEDED:
            break
    return rows


def arguments() -> argparse.Namespace:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster")
    parser.add_argument("--registry", default=images()["REGISTRY"], help="where our images are")
    parser.add_argument("--models", default="demo", help="the models to serve")
    parser.add_argument("--keep", action="store_true", help="leave the namespace")
    return parser.parse_args()


def main() -> int:
    """The exit status: 0 when all held, 1 when a step failed, 2 when there is no cluster."""
    given = arguments()
    try:
        version = points_at()
        with tempfile.TemporaryDirectory() as name:
            kubectl = Kubectl(f"whisperx-test-{secrets.token_hex(3)}", Path(name))
            print(f"cluster: Kubernetes {version}, namespace {kubectl.namespace}", file=sys.stderr)
            try:
                rows = run(Cluster(kubectl, given.registry, given.models, Path(name)))
            finally:
                if not given.keep:
                    kubectl(
                        "delete", "namespace", kubectl.namespace, "--ignore-not-found", seconds=600
                    )
    except StepFailed as failure:
        print(f"cluster: {failure}", file=sys.stderr)
        return 2
    print(table(rows))
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
