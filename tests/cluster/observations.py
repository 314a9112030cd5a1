"""What is made of what the cluster shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without an answer, in seconds since 1970."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def outages(lines: Iterable[str]) -> list[Outage]:
    """From the lines of `caller.py watch`; an outage ends with the next answer."""
    found: list[Outage] = []
    began = last = None
    for line in lines:
        time, _, status = line.partition(" ")
        last = float(time)
        if status.strip() != "200":
            began = last if began is None else began
        elif began is not None:
            found.append(Outage(began, last))
            began = None
    if began is not None and last is not None:
        found.append(Outage(began, last))
    return found


def with_redis(pods: dict[str, Any]) -> list[str]:
    """The pods whose Redis runs now."""
    return [
        pod["metadata"]["name"]
        for pod in pods["items"]
        for status in pod["status"].get("containerStatuses", [])
        if status["name"] == "redis" and "running" in status["state"]
    ]


def restarts(pod: dict[str, Any], container: str) -> int:
    """How often a container was started again."""
    statuses = pod["status"].get("containerStatuses", [])
    return sum(s["restartCount"] for s in statuses if s["name"] == container)


def ready(pod: dict[str, Any]) -> bool:
    """Whether all its containers are."""
    conditions = pod["status"].get("conditions", [])
    leaving = "deletionTimestamp" in pod["metadata"]
    return not leaving and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@dataclass(frozen=True, slots=True)
class Row:
    """A step and what became of it."""

    step: str
    failed: bool
    seconds: float
    seen: str


def table(rows: Iterable[Row]) -> str:
    """All steps, in Markdown."""
    head = ["| step | outcome | seconds | seen |", "| --- | --- | --- | --- |"]
    return "\n".join(
        head
        + [
            f"| {row.step} | {'FAILED' if row.failed else 'held'} | {row.seconds:.1f} |"
            f" {row.seen.replace('|', '/')} |"
            for row in rows
        ]
    )
