"""predict: photographs become probability maps, masks and overlays on their own pixel grid."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retseg.core.device import choose_device, device_name
from retseg.core.errors import ConfigError, ImageError, InputError, RetsegError
from retseg.core.manifest import Manifest, file_digests
from retseg.core.progress import progress
from retseg.core.types import BoolArray, Classes, OperatingPoint, Sample, UInt8Array
from retseg.datasets.base import DEFAULT_CLASSES
from retseg.datasets.folder import photographs
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.fov import estimate_fov
from retseg.imaging.fundus_check import FUNDUS, NO_FUNDUS, Verdict, check_fundus
from retseg.imaging.io import read_image, read_label
from retseg.inference.config import PredictConfig
from retseg.postprocess.registry import checked, choose
from retseg.stages.done import DoneList
from retseg.stages.failures import Failure, write_failures
from retseg.stages.flagged import Flag, counted, write_flagged
from retseg.stages.locate import Runs
from retseg.stages.run_model import RunModel, open_predictor
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

if TYPE_CHECKING:
    import torch

    from retseg.inference.card import Card
    from retseg.inference.prediction import Prediction, Predicts
    from retseg.inference.writer import PredictionWriter

STAGE = "predict"
VERSION = 3


def predict_photographs(
    settings: Settings,
    path: Path,
    *,
    run: Runs = None,
    method: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    force: bool = False,
) -> StageResult:
    """Predicts a photograph, or every photograph below a folder. They need no masks and no labels.

    Args:
        settings: The configuration; `predict` counts.
        path: A photograph or a folder of them.
        run: The trained or tuned run, or several, whose probabilities are averaged; the newest trained one when None.
        method: A training-free method in the place of a run: as it was tuned last, else with published parameters.
        out: Folder to write; `<run>/predict/<name of path>` when None (`runs/ensemble-<key>` for several runs).
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        force: Do it again even if nothing changed.
    """
    samples = photographs(path)
    base = path if path.is_dir() else path.parent
    inputs = file_digests((sample.image for sample in samples), base)
    model = RunModel.of_method(settings, method, run, DEFAULT_CLASSES) if method is not None else RunModel.find(run)
    folder = out or model.run / "predict" / (path.stem if path.is_file() else path.resolve().name)
    return _predict(settings, model, samples, inputs, folder, device, force)


def predict_prepared(
    settings: Settings,
    prepared: Path,
    *,
    run: Runs = None,
    method: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Predicts one split of a prepared set, with every class's probabilities, which the report shows.

    Args:
        settings: The configuration; `predict` and `evaluate.split` count.
        prepared: Folder of the prepared set.
        run: The trained or tuned run, or several, whose probabilities are averaged; the newest trained one when None.
        method: A training-free method in the place of a run; tuned first on the set's training patients.
        out: Folder to write; `<run>/predict/<dataset>` when None (`runs/ensemble-<key>` for several runs).
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes to tune with; all cores when None.
        force: Do it again even if nothing changed.
    """
    data = PreparedSet.open(prepared)
    samples = split_samples(data, settings.evaluate.split)
    if method is not None:
        model = RunModel.of_method(settings, method, run, data.classes, prepared, workers)
    else:
        model = RunModel.find(run, expect=data.classes)
    inputs = {"prepared": Manifest.read(prepared).digest, "split": settings.evaluate.split}
    folder = out or model.run / "predict" / data.name
    every_class = settings.predict.model_copy(update={"all_classes": True})
    return _predict(settings.model_copy(update={"predict": every_class}), model, samples, inputs, folder, device, force)


def split_samples(data: PreparedSet, split: str) -> list[Sample]:
    """The samples of a split of a prepared set; "all" means every one."""
    if split == "all":
        return list(data.samples)
    samples = data.split(split)
    if not samples:
        there = sorted({sample.split for sample in data.samples})
        raise InputError(
            f"the prepared set has no '{split}' photographs",
            where=data.folder,
            fix=f"Choose with --split: {', '.join([*there, 'all'])}",
        )
    return samples


def _predict(
    settings: Settings,
    model: RunModel,
    samples: list[Sample],
    inputs: Mapping[str, str],
    folder: Path,
    device: str,
    force: bool,
) -> StageResult:
    chosen = None if model.needs_no_device else choose_device(device)
    config = settings.predict.over(model.card.predict)
    _refuse_impossible_separation(model.card, config)
    plan = Plan(
        STAGE,
        VERSION,
        {"predict": config.model_dump(mode="json")},
        {**model.digests, **inputs},
        device=device_name(chosen) if chosen is not None else "cpu",
    )
    point = model.operating_point(config)
    job = _Prediction(model, config, samples, point, chosen)
    result = run_stage(plan, folder, lambda partial, resumed: job.run(partial), force=force)
    return StageResult(result.folder, result.manifest, result.skipped, model.notes)


def _refuse_impossible_separation(card: Card, config: PredictConfig) -> None:
    """ConfigError if instances shall be told apart in a way that this net or this task cannot."""
    if card.classes.things:
        checked(choose(config.separation, card.heads), config.separation_options)
    elif config.separation is not None:
        raise ConfigError(
            f"the task '{card.classes.name}' has no classes whose instances are told apart",
            where="predict.separation",
            fix="Leave it out, or give the class table `things` and train anew",
        )


@dataclass(slots=True)
class _Prediction:
    """One prediction at work: reading, the net and writing overlap; what is written is noted, image by image."""

    model: RunModel
    config: PredictConfig
    samples: list[Sample]
    point: OperatingPoint | None
    device: torch.device | None
    failures: dict[str, Failure] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=dict)
    seconds: float = 0.0

    def run(self, out: Path) -> dict[str, Any]:
        with DoneList(out) as done:
            entries = [entry for entry in done.earlier() if "id" in entry]
            earlier = {str(entry["id"]) for entry in entries}
            self.flags |= {str(entry["id"]): Flag(**entry["flag"]) for entry in entries if "flag" in entry}
            pending = [sample for sample in self.samples if sample.id not in earlier]
            with progress("Predicting", len(self.samples)) as bar:
                bar.skip(len(earlier))
                for identifier in self._written(pending, out):
                    flag = self.flags.get(identifier)
                    done.add({"id": identifier, **({"flag": asdict(flag)} if flag else {})})
                    bar.advance(1, identifier)
            if not earlier and len(self.failures) == len(self.samples):
                raise self._nothing_left()
        failures = [self.failures[sample.id] for sample in self.samples if sample.id in self.failures]
        write_failures(out, failures)
        flags = [self.flags[sample.id] for sample in self.samples if sample.id in self.flags]
        write_flagged(out, flags)
        runs = [str(member.run) for member in self.model.members]
        return {
            "run": str(self.model.run),
            **({"runs": runs} if len(runs) > 1 else {}),
            "card": self.model.card.to_json(),
            "threshold": self.point.to_json() if self.point else None,
            **self._separated(),
            "images": len(self.samples) - len(failures),
            "failures": len(failures),
            "flagged": counted(flags),
            # What an interrupted run had spent is not known, and half of it would only mislead.
            "net_seconds": None if earlier else round(self.seconds, 3),
        }

    def _separated(self) -> dict[str, str]:
        """How instances were told apart, where the task has things."""
        card = self.model.card
        return {"separation": choose(self.config.separation, card.heads).name} if card.classes.things else {}

    def _nothing_left(self) -> RetsegError:
        first = next(iter(self.failures.values()))
        if len(self.failures) == 1:
            return ImageError(first.reason.rstrip("."))
        return InputError(f"none of the {len(self.failures)} images can be used; the first: {first.reason.rstrip('.')}")

    def _written(self, samples: list[Sample], out: Path) -> Iterator[str]:
        """Ids of the photographs as their files are finished; at most two wait to be written."""
        if not samples:
            return
        predictor, writer = self._tools(out)
        with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as writing:
            waiting: deque[Future[str]] = deque()
            for prediction in predictor.probabilities_of_many(self._loaded(samples, reading)):
                waiting.append(writing.submit(_write, writer, self._claimed(prediction)))
                while len(waiting) > 2:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        self.seconds = predictor.seconds

    def _claimed(self, prediction: Prediction) -> Prediction:
        """The prediction; where the picture is certainly no fundus photograph, one that sees nothing in it."""
        flag = self.flags.get(prediction.id)
        if flag is None or flag.verdict != NO_FUNDUS:
            return prediction
        return prediction.of_nothing(self.model.card.classes)

    def _tools(self, out: Path) -> tuple[Predicts, PredictionWriter]:
        from retseg.inference.writer import PredictionWriter, write_operating_point

        weights = [member.weights for member in self.model.members]
        predictor = open_predictor(weights, self.config, self.device)
        threshold = self.point.threshold if self.point else None
        write_operating_point(out, self.point)
        separation = (self.config.separation, self.config.separation_options)
        writer = PredictionWriter(
            out,
            predictor.classes,
            threshold,
            all_classes=self.config.all_classes,
            separation=separation,
            specks=self.config.specks,
            uncertainty=self.config.uncertainty,
        )
        return predictor, writer

    def _loaded(self, samples: list[Sample], pool: ThreadPoolExecutor) -> Iterator[tuple[str, UInt8Array, BoolArray]]:
        """Photographs with their fields of view, one read ahead; a bad one is noted and passed over."""
        ahead: deque[tuple[Sample, Future[tuple[UInt8Array, BoolArray, Verdict]]]] = deque()
        rest = iter(samples)
        while True:
            while len(ahead) < 2 and (sample := next(rest, None)) is not None:
                ahead.append((sample, pool.submit(_looked_at, sample, self.model.card.classes, self.config.check)))
            if not ahead:
                return
            sample, future = ahead.popleft()
            try:
                image, fov, verdict = future.result()
            except ImageError as error:
                self.failures[sample.id] = Failure(sample.id, str(sample.image), error.line)
                continue
            if verdict.level != FUNDUS:
                self.flags[sample.id] = Flag(sample.id, str(sample.image), verdict.level, "; ".join(verdict.reasons))
            yield sample.id, image, fov


def _looked_at(sample: Sample, classes: Classes, check: bool) -> tuple[UInt8Array, BoolArray, Verdict]:
    """A photograph with its field of view and what the check says; who gives a field of view has looked himself."""
    image, fov = _load(sample, classes)
    wanted = check and sample.fov is None and classes.outside is not None
    return image, fov, check_fundus(image, fov) if wanted else Verdict()


def _load(sample: Sample, classes: Classes) -> tuple[UInt8Array, BoolArray]:
    image = read_image(sample.image)
    if sample.fov is not None:
        return image, read_label(sample.fov) > 0
    if classes.outside is None:
        return image, np.ones(image.shape[:2], bool)
    try:
        return image, estimate_fov(image)
    except ImageError as error:
        raise ImageError(error.what, where=sample.image, fix=error.fix) from None


def _write(writer: PredictionWriter, prediction: Prediction) -> str:
    writer.write(prediction)
    return prediction.id
