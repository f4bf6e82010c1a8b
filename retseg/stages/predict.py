"""predict: photographs become probability maps, masks and overlays on their own pixel grid."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.device import choose_device, device_name
from retseg.core.errors import ImageError, InputError, RetsegError
from retseg.core.manifest import Manifest, file_digest, file_digests
from retseg.core.progress import progress
from retseg.core.types import BoolArray, Classes, OperatingPoint, Sample, UInt8Array
from retseg.datasets.folder import photographs
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.fov import estimate_fov
from retseg.imaging.io import read_image, read_label
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig
from retseg.stages.done import DoneList
from retseg.stages.failures import Failure, write_failures
from retseg.stages.locate import find_run
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

if TYPE_CHECKING:
    import torch

    from retseg.inference.predictor import Prediction, Predictor
    from retseg.inference.writer import PredictionWriter

STAGE = "predict"
VERSION = 1
WEIGHTS = "best.safetensors"
UNFITTED = 0.5
"""Threshold of last resort, for weights that carry no operating point."""


def predict_photographs(
    settings: Settings,
    path: Path,
    *,
    run: Path | None = None,
    out: Path | None = None,
    device: str = "auto",
    force: bool = False,
) -> StageResult:
    """Predicts a photograph, or every photograph below a folder. They need no masks and no labels.

    Args:
        settings: The configuration; `predict` counts.
        path: A photograph or a folder of them.
        run: The trained run; the newest when None.
        out: Folder to write; `<run>/predict/<name of path>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        force: Do it again even if nothing changed.
    """
    samples = photographs(path)
    base = path if path.is_dir() else path.parent
    inputs = file_digests((sample.image for sample in samples), base)
    model = _Model.find(run, settings)
    folder = out or model.run / "predict" / (path.stem if path.is_file() else path.resolve().name)
    return _predict(settings, model, samples, inputs, folder, device, force)


def predict_prepared(
    settings: Settings,
    prepared: Path,
    *,
    run: Path | None = None,
    out: Path | None = None,
    device: str = "auto",
    force: bool = False,
) -> StageResult:
    """Predicts one split of a prepared set, with every class's probabilities, which the report shows.

    Args:
        settings: The configuration; `predict` and `evaluate.split` count.
        prepared: Folder of the prepared set.
        run: The trained run; the newest when None.
        out: Folder to write; `<run>/predict/<dataset>` when None.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        force: Do it again even if nothing changed.
    """
    data = PreparedSet.open(prepared)
    samples = split_samples(data, settings.evaluate.split)
    model = _Model.find(run, settings, expect=data.classes)
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


def weights_of(run: Path) -> Path:
    """The weights file of a run's folder."""
    return run / "train" / WEIGHTS


@dataclass(frozen=True, slots=True)
class _Model:
    """The weights that a prediction is made with, and what is in force: the config and the threshold."""

    run: Path
    weights: Path
    card: Card
    note: str

    @classmethod
    def find(cls, run: Path | None, settings: Settings, expect: Classes | None = None) -> _Model:
        from retseg.inference.checkpoint import read_card, refuse_other_classes

        folder = find_run(run)
        weights = weights_of(folder)
        card = read_card(weights)
        if expect is not None:
            refuse_other_classes(weights, card.classes, expect)
        which = "" if run is not None else ", the newest run"
        return cls(folder, weights, card, f"Model: {folder} ({card.arch} trained on {card.dataset}{which}).")

    def operating_point(self, config: PredictConfig) -> OperatingPoint | None:
        """The threshold in force: the one asked for, else the one stored with the weights, else one half."""
        if self.card.classes.positive is None:
            return None
        if config.threshold is not None:
            return OperatingPoint(config.threshold, "given by the user", "", "none")
        return self.card.operating_point or OperatingPoint(UNFITTED, "not fitted", "", "none")


def _predict(
    settings: Settings,
    model: _Model,
    samples: list[Sample],
    inputs: Mapping[str, str],
    folder: Path,
    device: str,
    force: bool,
) -> StageResult:
    chosen = choose_device(device)
    config = settings.predict
    plan = Plan(
        STAGE,
        VERSION,
        {"predict": config.model_dump(mode="json")},
        {"weights": file_digest(model.weights), **inputs},
        device=device_name(chosen),
    )
    point = model.operating_point(config)
    job = _Prediction(model, config, samples, point, chosen)
    result = run_stage(plan, folder, lambda partial, resumed: job.run(partial), force=force)
    return StageResult(result.folder, result.manifest, result.skipped, (model.note,))


@dataclass(slots=True)
class _Prediction:
    """One prediction at work: reading, the net and writing overlap; what is written is noted, image by image."""

    model: _Model
    config: PredictConfig
    samples: list[Sample]
    point: OperatingPoint | None
    device: torch.device
    failures: dict[str, Failure] = field(default_factory=dict)

    def run(self, out: Path) -> dict[str, Any]:
        with DoneList(out) as done:
            earlier = {str(entry["id"]) for entry in done.earlier() if "id" in entry}
            pending = [sample for sample in self.samples if sample.id not in earlier]
            with progress("Predicting", len(self.samples)) as bar:
                bar.skip(len(earlier))
                for identifier in self._written(pending, out):
                    done.add({"id": identifier})
                    bar.advance(1, identifier)
            if not earlier and len(self.failures) == len(self.samples):
                raise self._nothing_left()
        failures = [self.failures[sample.id] for sample in self.samples if sample.id in self.failures]
        write_failures(out, failures)
        card = self.model.card
        return {
            "run": str(self.model.run),
            "card": card.to_json(),
            "threshold": self.point.to_json() if self.point else None,
            "images": len(self.samples) - len(failures),
            "failures": len(failures),
        }

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
                waiting.append(writing.submit(_write, writer, prediction))
                while len(waiting) > 2:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _tools(self, out: Path) -> tuple[Predictor, PredictionWriter]:
        from retseg.inference.checkpoint import load_weights
        from retseg.inference.predictor import Predictor
        from retseg.inference.writer import PredictionWriter, write_operating_point

        loaded = load_weights(self.model.weights, self.device)
        threshold = self.point.threshold if self.point else None
        write_operating_point(out, self.point)
        writer = PredictionWriter(out, loaded.card.classes, threshold, all_classes=self.config.all_classes)
        return Predictor(loaded, self.config, self.device), writer

    def _loaded(self, samples: list[Sample], pool: ThreadPoolExecutor) -> Iterator[tuple[str, UInt8Array, BoolArray]]:
        """Photographs with their fields of view, one read ahead; a bad one is noted and passed over."""
        ahead: deque[tuple[Sample, Future[tuple[UInt8Array, BoolArray]]]] = deque()
        rest = iter(samples)
        while True:
            while len(ahead) < 2 and (sample := next(rest, None)) is not None:
                ahead.append((sample, pool.submit(_load, sample)))
            if not ahead:
                return
            sample, future = ahead.popleft()
            try:
                image, fov = future.result()
            except ImageError as error:
                self.failures[sample.id] = Failure(sample.id, str(sample.image), error.line)
                continue
            yield sample.id, image, fov


def _load(sample: Sample) -> tuple[UInt8Array, BoolArray]:
    image = read_image(sample.image)
    if sample.fov is not None:
        return image, read_label(sample.fov) > 0
    try:
        return image, estimate_fov(image)
    except ImageError as error:
        raise ImageError(error.what, where=sample.image, fix=error.fix) from None


def _write(writer: PredictionWriter, prediction: Prediction) -> str:
    writer.write(prediction.id, prediction.image, prediction.fov, prediction.probabilities)
    return prediction.id
