"""What the three trainings share: a budget of CPU time, averaged weights, resumable checkpoints."""

from __future__ import annotations

import copy
import math
import statistics
import time
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import random
    from pathlib import Path

SAVE_EVERY: Final = 120.0  # s of wall time between two checkpoints
REPORT_EVERY: Final = 100  # steps
_AVERAGE: Final = 0.998  # decay a step of the averaged weights, about 500 steps
_WARM_UP: Final = 150  # steps
_DECAY_FROM: Final = 0.6  # share of the budget after which the rate falls to `_LAST_RATE`
_LAST_RATE: Final = 0.02  # of the full rate


Model = TypeVar("Model", bound=nn.Module)


class Trainer(Generic[Model]):
    """AdamW on ``model`` until ``budget`` seconds of CPU time are spent.

    The budget counts CPU time of this process, all threads: wall time lies on a busy machine.
    A checkpoint holds everything, so that a killed run continues where it was.
    """

    def __init__(
        self, model: Model, path: Path, *, budget: float, rate: float, rng: random.Random
    ) -> None:
        self.model = model
        self.average = copy.deepcopy(model).eval().requires_grad_(requires_grad=False)
        self.rng = rng
        self.steps = 0
        self._path, self._budget, self._rate = path, budget, rate
        self._optimizer = torch.optim.AdamW(
            model.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self._spent = 0.0
        self._started = time.process_time()
        self._saved = time.monotonic()
        self._figures: list[dict[str, float]] = []  # since the last report
        if path.exists():
            self._resume()

    @property
    def spent(self) -> float:
        """CPU seconds spent, earlier runs included."""
        return self._spent + time.process_time() - self._started

    @property
    def progress(self) -> float:
        """Share of the budget that is spent, 0 to 1."""
        return min(1.0, self.spent / self._budget)

    @property
    def done(self) -> bool:
        """Whether the budget is spent."""
        return self.spent >= self._budget

    def rate(self) -> float:
        """The learning rate now: a short rise, a plateau, a cosine fall."""
        fall = max(0.0, (self.progress - _DECAY_FROM) / (1 - _DECAY_FROM))
        share = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * fall))
        return self._rate * share * min(1.0, (self.steps + 1) / _WARM_UP)

    def update(self, loss: Tensor, figures: dict[str, float]) -> None:
        """One optimiser step; now and then a report and a checkpoint, at the end one too."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self.steps += 1
        self._follow()
        self._report(figures)
        if self.done or time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "steps": self.steps,
            "spent": self.spent,
            "rng": self.rng.getstate(),
        }
        part = self._path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._path)
        self._saved = time.monotonic()

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self._path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.steps, self._spent = state["steps"], state["spent"]
        self.rng.setstate(state["rng"])
        self._started = time.process_time()
        print(f"resumed at step {self.steps}, {self._spent:.0f} CPU-s", flush=True)

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(_AVERAGE, self.steps / (self.steps + 10))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def _report(self, figures: dict[str, float]) -> None:
        self._figures.append(figures)
        if self.steps % REPORT_EVERY == 0:
            means = "  ".join(
                f"{name} {statistics.fmean(each[name] for each in self._figures):.3f}"
                for name in figures
            )
            now = time.strftime("%H:%M:%S")
            print(f"{now} {self.spent:.0f} CPU-s  step {self.steps}  {means}", flush=True)
            self._figures.clear()
