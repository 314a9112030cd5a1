"""One rising number for work that has several stages, and its line in the logs."""

from collections.abc import Callable, Mapping

from transcription.findings import Progress
from transcription.stopping import check


class StagedProgress:
    """Turns the shares of stages into the share of the whole; only ever reports more.

    ``weights`` maps the stages to their expected cost in any unit; several may run at once.
    """

    def __init__(self, weights: Mapping[str, float], report: Progress) -> None:
        total = sum(weights.values())
        self._weights = {stage: weight / total for stage, weight in weights.items()}
        self._shares = dict.fromkeys(weights, 0.0)
        self._report = report
        self._reached = 0.0

    def of(self, stage: str) -> Progress:
        """The callback for one stage's own share."""

        def advance(share: float) -> None:
            check()
            self._shares[stage] = max(self._shares[stage], min(float(share), 1.0))
            self.reach(sum(self._weights[name] * own for name, own in self._shares.items()))

        return advance

    def reach(self, share: float) -> None:
        """Reports ``share`` of the whole if it is more than before."""
        share = min(float(share), 1.0)  # libraries pass numpy's numbers
        if share > self._reached:
            self._reached = share
            self._report(share)


class ProgressLines:
    """Writes a line of tqdm's shape per percent gained; Replicate's clients parse those."""

    WIDTH = 20  # characters of the bar

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._percent = -1

    def __call__(self, share: float) -> None:
        percent = int(share * 100)
        if percent > self._percent:
            self._percent = percent
            filled = percent * self.WIDTH // 100
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            self._write(f"{percent:3d}%|{bar}| {percent}/100")
