"""The checks of manifests find what they are for."""

import pytest

from tests.manifests.checks import problems
from tests.manifests.documents import load
from tests.manifests.faults import FAULTS, NEEDS_SCHEMA, damaged


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in NEEDS_SCHEMA])
def test_an_injected_fault_is_found(fault: str) -> None:
    documents = damaged(fault)
    assert documents != load("k8s/whisperx-stack.yaml"), "the fault is there"
    assert problems(documents)
