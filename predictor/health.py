"""Cog's state, as its health check tells it; standard library only.

Cog answers `/health-check` with 200 in every state, so the body has to be read. The
bridge, the container's probes and the stack on one machine read it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_REASON_CHARACTERS = 300  # of a failed setup's log, whose end names the error


class CogState(StrEnum):
    """What Cog can do. The last two are what it cannot say itself."""

    STARTING = "STARTING"
    READY = "READY"
    BUSY = "BUSY"
    UNHEALTHY = "UNHEALTHY"
    SETUP_FAILED = "SETUP_FAILED"
    DEFUNCT = "DEFUNCT"
    WORKER_DEAD = "WORKER_DEAD"
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Health:
    """Cog's state, and why it is not ready."""

    status: CogState
    reason: str | None = None

    @property
    def ready(self) -> bool:
        """Whether predictions are accepted, now or after the running one."""
        return self.status in (CogState.READY, CogState.BUSY)

    @property
    def broken(self) -> bool:
        """Whether only a restart helps."""
        return self.status in (CogState.SETUP_FAILED, CogState.DEFUNCT, CogState.WORKER_DEAD)


UNREACHABLE = Health(CogState.UNREACHABLE, "the predictor's server does not answer")


def read_health(body: Any) -> Health:
    """What the body of Cog's health check says; ``UNREACHABLE`` when it is none."""
    if not isinstance(body, Mapping) or "status" not in body:
        return UNREACHABLE
    try:
        state = CogState(str(body["status"]))
    except ValueError:
        state = CogState.UNHEALTHY
    detail = str(body.get("user_healthcheck_error") or "")
    if state is CogState.UNHEALTHY and "channel closed" in detail:
        return Health(CogState.WORKER_DEAD, "the predictor's worker process has died")
    match state:
        case CogState.READY | CogState.BUSY:
            return Health(state)
        case CogState.STARTING:
            return Health(state, "the models are loading")
        case CogState.SETUP_FAILED:
            logs = str((body.get("setup") or {}).get("logs") or "").strip()
            return Health(state, f"the predictor's setup failed: {logs[-_REASON_CHARACTERS:]}")
        case _:
            return Health(state, detail or "the predictor is not healthy")
