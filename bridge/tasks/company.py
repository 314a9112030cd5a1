"""The runs that are under way at once in this pod's Cog.

They share one worker process, and whatever kills it takes all of them along. Which of them was to
blame, nobody can tell; so a run that was lost in company is repeated alone.
"""

from typing import Final


class Company:
    """Lets runs in."""

    def __init__(self) -> None:
        self._under_way: Final[set[str]] = set()
        self._accompanied: Final[set[str]] = set()
        self._alone: str | None = None  # a run that is to be alone: under way, or the next

    def admits(self, run_id: str, *, alone: bool) -> bool:
        """Whether the run may begin now; it is under way then, until it has `left`.

        One that is to be alone waits until the others have left, and lets no other in before it.
        """
        if run_id in self._under_way:
            return True
        if self._alone not in (None, run_id):
            return False
        if alone:
            self._alone = run_id
            if self._under_way:
                return False
        self._under_way.add(run_id)
        if len(self._under_way) > 1:
            self._accompanied.update(self._under_way)
        return True

    def had(self, run_id: str) -> bool:
        """Whether another run was under way beside this one at any time."""
        return run_id in self._accompanied

    @property
    def share(self) -> float:
        """What each run has of the models, as a part of what one alone would have."""
        return 1 / max(1, len(self._under_way))

    def left(self, run_id: str) -> None:
        """The run is over, or it will not begin."""
        self._under_way.discard(run_id)
        self._accompanied.discard(run_id)
        if self._alone == run_id:
            self._alone = None
