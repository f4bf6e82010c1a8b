"""Photographs without labels become a prepared set whose labels are what a run is surest of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retseg.core.errors import ConfigError, InputError
from retseg.core.paths import PREPARED
from retseg.core.progress import progress
from retseg.core.types import CLASS_MAP, BoolArray, Case, Classes, Sample
from retseg.datasets.folder import Folder, photographs
from retseg.datasets.prepared import PreparedSet, save_case, write_index
from retseg.datasets.splits import TRAIN
from retseg.imaging.io import read_image, read_label, write_png
from retseg.stages.predict import predict_photographs, predict_prepared
from retseg.stages.prepare import STAGE, VERSION, prepared_set
from retseg.stages.preview import preview
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

if TYPE_CHECKING:
    from retseg.training.pseudo_labels import Decision, Int64Array

PSEUDO = "pseudo"
"""Folder below data/prepared; what lies in it is never taken for the newest prepared set."""

OBSERVER = "pseudo-labels"
"""Whose drawing the labels are said to be."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """The photographs to adapt to. `name` is theirs in paths, `dataset` the set whose patients they show."""

    name: str
    dataset: str
    samples: tuple[Sample, ...]
    estimated: frozenset[str]
    place: Path
    is_prepared: bool

    @classmethod
    def find(cls, settings: Settings, path: Path | None, root: Path | None, workers: int | None) -> Unlabelled:
        """The photographs at `path`, or the training photographs of the prepared set that the settings name."""
        if path is not None:
            if settings.dataset.name is not None or root is not None:
                raise ConfigError("photographs and a dataset were named", fix="Give PHOTOS, or --dataset, not both")
            samples = tuple(photographs(path))
            name = path.stem if path.is_file() else path.resolve().name
            return cls(name, Folder.name, samples, frozenset(sample.id for sample in samples), path, False)
        folder = prepared_set(settings, root, workers=workers).folder
        data = PreparedSet.open(folder)
        training = data.split(TRAIN)
        if not training:
            raise InputError(
                "the prepared set has no training photographs to adapt to",
                where=folder,
                fix="Give the folder of photographs itself: retseg adapt PHOTOS",
            )
        estimated = frozenset(row.id for row in data.rows if row.fov_source == "estimated")
        return cls(data.name, data.name, tuple(training), estimated, folder, True)

    @property
    def patients(self) -> frozenset[str]:
        """Whose photographs they are."""
        return frozenset(sample.patient for sample in self.samples)

    @property
    def words(self) -> str:
        """How many there are, and where."""
        kind = f"the {len(self.samples)} training photographs of" if self.is_prepared else f"{len(self.samples)} in"
        return f"{kind} {self.place}"

    def predict(self, settings: Settings, run: Path, device: str, force: bool) -> StageResult:
        """Every class's probabilities, beside the run's other predictions but not in their place."""
        out = run / "adapt" / self.name
        if not self.is_prepared:
            every = settings.predict.model_copy(update={"all_classes": True})
            asked = settings.model_copy(update={"predict": every})
            return predict_photographs(asked, self.place, run=run, out=out, device=device, force=force)
        split = settings.evaluate.model_copy(update={"split": TRAIN})
        asked = settings.model_copy(update={"evaluate": split})
        return predict_prepared(asked, self.place, run=run, out=out, device=device, force=force)


def pseudo_set(
    target: Unlabelled, predicted: StageResult, run: Path, classes: Classes, certainty: float, force: bool
) -> StageResult:
    """A prepared set of the photographs whose labels are what the run is surest of."""
    config = {"pseudo_labels": {"certainty": certainty, "set": target.dataset}}
    plan = Plan(STAGE, VERSION, config, {"predictions": predicted.manifest.digest})
    labelling = _Labelling(target, predicted.folder, classes)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        kept = labelling.write(partial, certainty)
        return {
            "dataset": target.dataset,
            "title": f"{target.name}, with pseudo-labels",
            "classes": classes.to_json(),
            "splits": {TRAIN: [sample.id for sample in labelling.samples]},
            "patients": {sample.id: sample.patient for sample in labelling.samples},
            "protocol": f"pseudo-labels by {run.name}: nobody drew them, so nothing may be scored against them",
            "fov_estimated": sum(sample.id in target.estimated for sample in labelling.samples),
            "kept": kept,
        }

    return run_stage(plan, PREPARED / PSEUDO / f"{target.name}-{plan.key[:8]}", work, force=force)


@dataclass(frozen=True, slots=True)
class _Labelling:
    """Pseudo-labels at work: once over all photographs to see how sure the net is, once more to write."""

    target: Unlabelled
    predictions: Path
    classes: Classes

    @property
    def samples(self) -> list[Sample]:
        """The photographs that could be predicted."""
        return [sample for sample in self.target.samples if self._file("mask", sample).is_file()]

    def write(self, out: Path, certainty: float) -> str:
        """Writes the set below `out`; a sentence on what was kept."""
        from retseg.training.pseudo_labels import limits, nothing_tallied, pseudo_label, tally

        samples, rows = self.samples, []
        tallied = nothing_tallied(self.classes)
        with progress("Making pseudo-labels", 2 * len(samples)) as bar:
            for sample, fov, decision in self._decisions(samples):
                tallied += tally(decision, fov, self.classes)
                bar.advance(1, sample.id)
            self._refuse_one_class(tallied)
            limit = limits(tallied, certainty)
            for sample, fov, decision in self._decisions(samples):
                label = pseudo_label(decision, fov, limit, self.classes)
                drawn = replace(sample, split=TRAIN, labels={OBSERVER: sample.image})
                estimated = sample.id in self.target.estimated
                rows.append(
                    save_case(out, Case(drawn, read_image(sample.image), fov, {CLASS_MAP: label}, {}, estimated))
                )
                bar.advance(1, sample.id)
        write_index(out, rows)
        write_png(out / "preview.png", preview(out, rows, self.classes))
        return self._told(tallied, limit)

    def _decisions(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, BoolArray, Decision]]:
        from retseg.imaging.maps import read_class_probabilities
        from retseg.training.pseudo_labels import decide

        for sample in samples:
            probabilities = read_class_probabilities(self._file("classes", sample, ".nii.gz"))
            yield sample, read_label(self._file("fov", sample)) > 0, decide(probabilities, self.classes)

    def _file(self, kind: str, sample: Sample, suffix: str = ".png") -> Path:
        return self.predictions / kind / f"{sample.id}{suffix}"

    def _refuse_one_class(self, tallied: Int64Array) -> None:
        found = [self.classes.names[index] for index in self.classes.scored if tallied[index].any()]
        if len(found) < 2:
            raise InputError(
                f"the run finds nothing but {found[0] if found else 'darkness'} in these photographs, so there is "
                "nothing to learn from it",
                where=self.target.place,
                fix="Look at its predictions; take another run, or train on a few labelled photographs",
            )

    def _told(self, tallied: Int64Array, limit: Int64Array) -> str:
        parts = []
        for index in self.classes.scored:
            total = int(tallied[index].sum())
            if total:
                kept = int(tallied[index, limit[index] :].sum())
                parts.append(f"{100 * kept / total:.0f}% of {self.classes.names[index]}")
        return f"Pseudo-labels on {len(self.samples)} photographs: {', '.join(parts)} is kept, the surest"
