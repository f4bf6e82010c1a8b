"""tune: a training-free method gets its parameters and its threshold from training patients, as a run of its own."""

from __future__ import annotations

import io
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retseg.core.errors import ConfigError
from retseg.core.manifest import Manifest
from retseg.core.paths import RUNS, write_atomically
from retseg.core.progress import progress
from retseg.core.types import Classes, OperatingPoint, Sample
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.splits import patients_by_origin
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig
from retseg.inference.method_predictor import TunedMethod, save_method
from retseg.inference.writer import write_operating_point
from retseg.methods.method import Method, MethodParameters, require_task
from retseg.methods.registry import METHODS
from retseg.stages.done import DoneList
from retseg.stages.locate import TUNED
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings
from retseg.training import tuning

if TYPE_CHECKING:
    from retseg.training.tuning import Fits, Int64Array, Trial

STAGE = TUNED
VERSION = 1
TABLE = "tuning.csv"
_TALLIES = ".tallies"
_FEWEST_FOR_PROCESSES = 6


def tune(
    settings: Settings,
    prepared: Path,
    name: str,
    *,
    out: Path | None = None,
    label: str | None = None,
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Searches a method's parameters and threshold on the training patients of a prepared set.

    An interrupted tuning goes on with the photographs that are left.

    Args:
        settings: The configuration; `method.parameters`, `method.search` and `method.images` count.
        prepared: Folder of the prepared set.
        name: The method, as `retseg methods list` names it.
        out: The run's folder, in which `train/` is written; `runs/<label>-<key>` when None.
        label: What the run is called; its dataset and the method when None.
        workers: Processes to use; all cores when None.
        force: Do it again even if nothing changed.
    """
    # Worker processes may have been started in another folder, so they get whole paths.
    method, data = METHODS.get(name), PreparedSet.open(prepared.resolve())
    require_task(method, data.classes)
    tried = tuning.settings_to_try(method, settings.method)
    # What is learnt from labels is learnt from all of them; a handful of parameters needs no more than a few.
    samples = tuning.tuning_samples(data, None if method.fit is not None else settings.method.images)
    plan = _plan(method, tried, {"prepared": Manifest.read(prepared).digest}, [sample.id for sample in samples])
    run = out or RUNS / f"{label or f'{data.name}-{name}'}-{plan.key[:6]}"
    job = _Tuning(method, tried, data, samples, workers)
    result = run_stage(plan, run / "train", lambda partial, resumed: job.run(partial, prepared), force=force)
    return StageResult(result.folder, result.manifest, result.skipped, (_told(result),))


def tuned_run(
    settings: Settings, prepared: Path, name: str, *, workers: int | None = None, force: bool = False
) -> Path:
    """The run's folder of a method tuned on a prepared set; tuned now if that was not done for these settings."""
    return tune(settings, prepared, name, workers=workers, force=force).folder.parent


def published_run(settings: Settings, name: str, classes: Classes) -> StageResult:
    """A run of a method with its published parameters, which saw no photograph and has no fitted threshold."""
    method = METHODS.get(name)
    require_task(method, classes)
    if method.fit is not None:
        raise ConfigError(
            f"the method '{name}' learns from labels, so it has to be tuned on a prepared set first",
            fix=f"Run `retseg predict --method {name} --dataset NAME`",
        )
    parameters = method.options(settings.method.parameters)
    plan = _plan(method, [parameters], {"classes": classes.name}, [])

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        save_method(partial, TunedMethod(_card(method, parameters, classes)))
        return {"method": name, "arch": name, "dataset": "", "published": True}

    return run_stage(plan, RUNS / f"{name}-published-{plan.key[:6]}" / "train", work)


@dataclass(frozen=True, slots=True)
class _Tuning:
    """One tuning at work; what each photograph gave is kept in a hidden folder until all are done."""

    method: Method
    tried: Sequence[MethodParameters]
    data: PreparedSet
    samples: Sequence[Sample]
    workers: int | None

    def run(self, out: Path, prepared: Path) -> dict[str, Any]:
        fits = tuning.fit(self.method, self.tried, self.data, self.samples)
        total = self._total(out, fits)
        trials = tuning.judge(self.tried, total, self.data.classes)
        kept = tuning.best(trials)
        point = tuning.operating_point(trials[kept], self.data.name, self.samples)
        unseen = tuning.unseen(total[kept], self.data.classes)
        card = _card(self.method, trials[kept].parameters, self.data.classes, self.data, self.samples, point, unseen)
        save_method(out, TunedMethod(card, fits.total[kept] if fits is not None else None))
        write_operating_point(out, point)
        write_atomically(out / TABLE, tuning.tuning_table(trials, kept))
        return self._facts(trials[kept], card, prepared)

    def _total(self, out: Path, fits: Fits | None) -> Int64Array:
        """The tallies of all photographs, added up; those of an interrupted tuning are not computed again."""
        folder = out.resolve() / _TALLIES
        with DoneList(out) as done, progress(f"Tuning {self.method.name}", len(self.samples)) as bar:
            earlier = {int(entry["number"]) for entry in done.earlier() if _tally_file(folder, entry).is_file()}
            bar.skip(len(earlier))
            pending = [number for number in range(len(self.samples)) if number not in earlier]
            for number in self._tallied(folder, pending, fits):
                done.add({"number": number})
                bar.advance(1, self.samples[number].id)
            total = sum(_read_tally(folder, number) for number in range(len(self.samples)))
        shutil.rmtree(folder)
        return np.asarray(total)

    def _tallied(self, folder: Path, pending: Sequence[int], fits: Fits | None) -> Iterator[int]:
        """Numbers of the photographs as they are done, in several processes where that pays."""
        count = min(self.workers or os.cpu_count() or 1, len(pending))
        if count < 2 or len(pending) < _FEWEST_FOR_PROCESSES or fits is not None:
            for number in pending:
                yield self.tally(folder, number, fits)
            return
        from joblib import Parallel, delayed

        pool = Parallel(n_jobs=count, return_as="generator_unordered", batch_size=1)
        yield from pool(delayed(_tally)(self, folder, number) for number in pending)

    def tally(self, folder: Path, number: int, fits: Fits | None) -> int:
        """Writes what every setting gives on one photograph."""
        sample = self.samples[number]
        fitted = fits.without(sample.patient) if fits is not None else [None] * len(self.tried)
        found = tuning.tally(self.method, self.tried, fitted, self.data, sample)
        content = io.BytesIO()
        np.savez_compressed(content, tally=found)
        write_atomically(_tally_file(folder, {"number": number}), content.getvalue())
        return number

    def _facts(self, trial: Trial, card: Card, prepared: Path) -> dict[str, Any]:
        settings, images, patients = len(self.tried), len(self.samples), len(card.train_patients)
        subject = self.data.classes.subject
        whose = "" if subject == "photograph" else f" of {_counted(patients, subject)}"
        searched = f"The best of {settings} settings" if settings > 1 else "The only setting tried"
        return {
            "method": self.method.name,
            "arch": self.method.name,
            "dataset": self.data.name,
            "prepared": str(prepared),
            "published": False,
            "kept": f"{searched} on {_counted(images, 'training photograph')}{whose}.",
            "train_images": images,
            "train_patients": list(card.train_patients),
            "tuning_dice": None if np.isnan(trial.dice) else trial.dice,
            "tuning_auc": None if trial.auc is None or np.isnan(trial.auc) else trial.auc,
            "operating_point": card.operating_point.to_json() if card.operating_point else None,
        }


def _tally(job: _Tuning, folder: Path, number: int) -> int:
    return job.tally(folder, number, None)


def _tally_file(folder: Path, entry: Mapping[str, Any]) -> Path:
    return folder / f"{int(entry['number']):05d}.npz"


def _read_tally(folder: Path, number: int) -> Int64Array:
    with np.load(_tally_file(folder, {"number": number}), allow_pickle=False) as file:
        return np.asarray(file["tally"], np.int64)


def _plan(method: Method, tried: Sequence[MethodParameters], inputs: Mapping[str, str], images: Sequence[str]) -> Plan:
    config = {
        "name": method.name,
        "version": method.version,
        "tried": [parameters.model_dump(mode="json") for parameters in tried],
        "images": list(images),
    }
    return Plan(STAGE, VERSION, {"method": config}, inputs, device=f"cpu ({platform.machine()})", keep=True)


def _card(
    method: Method,
    parameters: MethodParameters,
    classes: Classes,
    data: PreparedSet | None = None,
    samples: Sequence[Sample] = (),
    point: OperatingPoint | None = None,
    unseen: tuple[str, ...] = (),
) -> Card:
    test = data.split("test") if data is not None else []
    return Card(
        arch=method.name,
        options=parameters.model_dump(mode="json"),
        classes=classes,
        input=InputConfig(normalise="unit", crop=True, diameter=parameters.diameter),
        predict=PredictConfig(),
        dataset=data.name if data is not None else "",
        splits={"train": tuple(s.id for s in samples), "validation": (), "test": tuple(s.id for s in test)},
        train_patients=tuple(sorted({sample.patient for sample in samples})),
        seen={name: tuple(sorted(who)) for name, who in patients_by_origin(samples).items()},
        operating_point=point,
        unseen=unseen,
        retseg=_version(),
    )


def _told(result: StageResult) -> str:
    facts = result.manifest.facts
    dice = facts.get("tuning_dice")
    reached = f" Its Dice there is {dice:.4f}." if dice is not None else ""
    again = "Tuned before" if result.skipped else "Tuned"
    return f"{again}: {facts['method']} on {facts['dataset']}. {facts['kept']}{reached}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _version() -> str:
    try:
        return version("retseg")
    except PackageNotFoundError:
        return ""
