"""The learning-rate finder: one short training in which the rate grows from tiny to huge, and what the loss says."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retseg.core.errors import RetsegError
from retseg.core.paths import write_atomically
from retseg.training.job import TrainJob
from retseg.training.loop import Training
from retseg.training.reproducible import reproducible
from retseg.training.schedule import Rates

LOWEST, HIGHEST = 1e-6, 10.0
STEPS = 140
_SMOOTHING = 0.9
_DIVERGED = 4.0  # times the lowest smoothed loss
_LEAST_STEPS = 10
TABLE, PLOT = "learning_rates.csv", "learning_rates.png"


@dataclass(frozen=True, slots=True)
class RateSearch:
    """The rates that were tried, the loss at each, its smoothed course, and the rate at which it fell fastest."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float


def find_learning_rate(job: TrainJob, steps: int = STEPS) -> RateSearch:
    """Trains for at most `steps` steps while the rate grows evenly on a logarithmic scale; ends when the loss explodes.

    The suggestion is the rate at which the smoothed loss falls fastest, after Smith, 'Cyclical Learning Rates for
    Training Neural Networks', WACV 2017, as it is usually read. The net is thrown away.
    """
    with reproducible(job.device):
        training = Training.prepare(job)
        if job.bar is not None:
            job.bar.total = steps
        rates, losses = [], []
        in_step = job.train.batch * job.train.accumulate
        patches, epoch, used = training.sampler.epoch(1), 1, 0
        training.state.net.train()
        for rate in np.geomspace(LOWEST, HIGHEST, steps).tolist():
            if used + in_step > len(patches) and used:
                epoch, used = epoch + 1, 0
                patches = training.sampler.epoch(epoch)
            loss = float(training.step(patches[used : used + in_step], epoch, used // in_step, Rates(rate, rate)))
            used += in_step
            if not np.isfinite(loss):
                break
            rates.append(rate)
            losses.append(loss)
            job.report(1, f"learning rate {rate:.1e}, loss {loss:.4f}")
            course = smoothed(losses)
            if len(losses) > _LEAST_STEPS and course[-1] > _DIVERGED * course.min():
                break
    if len(losses) < _LEAST_STEPS:
        raise RetsegError(
            f"the loss is no finite number after {len(losses)} steps even at a learning rate of {LOWEST:g}",
            fix="Look at the loss and its class weights, or switch mixed precision off",
        )
    course = smoothed(losses)
    return RateSearch(tuple(rates), tuple(losses), tuple(course.tolist()), steepest(np.array(rates), course))


def smoothed(losses: list[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """An exponential average of the losses without its pull towards zero at the beginning."""
    average, found = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        found.append(average / (1 - _SMOOTHING**count))
    return np.array(found)


def steepest(
    rates: np.ndarray[tuple[int], np.dtype[np.float64]], course: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> float:
    """The rate at which the loss falls fastest on the logarithmic scale, before its lowest point."""
    end = max(3, int(course.argmin()) + 1)
    slope = np.gradient(course[:end], np.log(rates[:end]))
    return float(rates[int(slope.argmin())])


def write_search(search: RateSearch, out: Path, title: str) -> None:
    """Writes learning_rates.csv and learning_rates.png."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("learning_rate", "loss", "smoothed_loss"))
    for rate, loss, course in zip(search.rates, search.losses, search.smoothed, strict=True):
        rows.writerow((f"{rate:.6g}", f"{loss:.7g}", f"{course:.7g}"))
    write_atomically(out / TABLE, text.getvalue())
    write_atomically(out / PLOT, _drawn(search, title))


def _drawn(search: RateSearch, title: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(search.rates, search.losses, color="#999999", linewidth=1, label="loss of each step")
    axes.plot(search.rates, search.smoothed, color="#0072B2", linewidth=2, label="smoothed")
    axes.axvline(search.suggestion, color="#D55E00", linestyle="--", label=f"falls fastest: {search.suggestion:.1e}")
    axes.set_xscale("log")
    low, high = min(search.smoothed), search.smoothed[0]
    axes.set_ylim(low - 0.1 * (high - low), high + 0.5 * (high - low) + 1e-3)
    axes.set_xlabel("Learning rate")
    axes.set_ylabel("Loss")
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.25)
    axes.legend(loc="lower left")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
