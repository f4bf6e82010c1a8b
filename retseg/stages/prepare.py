"""prepare: an owner's folder becomes images, class maps and fields of view in one plain layout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from retseg.core.errors import ImageError, InputError, OutputError, listed
from retseg.core.manifest import Manifest, digest_of, file_digests
from retseg.core.paths import PREPARED
from retseg.core.progress import progress
from retseg.core.types import Classes, Sample
from retseg.datasets.base import Dataset
from retseg.datasets.config import DatasetConfig
from retseg.datasets.prepared import IndexRow, PreparedSet, read_index, save_case, write_index
from retseg.datasets.registry import DATASETS
from retseg.stages.done import DoneList
from retseg.stages.failures import Failure, write_failures
from retseg.stages.locate import Source, find_source, newest_prepared
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

STAGE = "prepare"
VERSION = 2
_FEWEST_FOR_PROCESSES = 6
_MOST_REMARKS = 5


def prepare(
    settings: Settings,
    *,
    root: Path | None = None,
    out: Path | None = None,
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Builds a prepared set and returns where it is. Bad images are listed in failures.csv and left out.

    Args:
        settings: The configuration; `dataset` and `prepare` count, and `seed` where tensors are packed.
        root: The dataset's folder as its owner ships it; looked for when None.
        out: Folder to write; `data/prepared/<dataset>-<key>` when None.
        workers: Processes to use; all cores when None.
        force: Do it again even if nothing changed.
    """
    source = find_source(settings.dataset, root)
    config = settings.dataset.model_copy(update={"name": source.name})
    dataset = DATASETS.get(source.name)(config)
    if dataset.to_generate:
        with progress("Generating photographs", dataset.to_generate) as bar:
            dataset.generate(source.root, lambda n, note: bar.advance(n, note))
    dataset = dataset.at(source.root)
    samples = dataset.samples(source.root)
    plan = _plan(settings, config, dataset.classes, source, samples)
    folder = out or PREPARED / f"{source.name}-{plan.key[:8]}"

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        return _Preparation(dataset, samples, partial, workers).run(settings)

    result = run_stage(plan, folder, work, force=force)
    # An index may have a hundred thousand lines, and most sets have no remarks.
    rows = read_index(result.folder) if result.manifest.facts.get("remarks") else []
    notes = (source.note, *_remarks(dataset, source, rows))
    return StageResult(result.folder, result.manifest, result.skipped, notes)


def _remarks(dataset: Dataset, source: Source, rows: list[IndexRow]) -> list[str]:
    """What is worth knowing about the owner's folder though it does not stop the preparation."""
    lines = [finding.line for finding in dataset.survey(source.root).findings if not finding.blocks]
    lines += [f"warning: {row.id}: {remark}." for row in rows for remark in row.remarks]
    lines.sort(key=lambda line: line.startswith("note"))
    if len(lines) > _MOST_REMARKS:
        members = ",".join(dataset.config.members)
        of = f"{source.name} --set dataset.members=[{members}]" if members else source.name
        rest = f"... and {len(lines) - _MOST_REMARKS} more: retseg datasets check {of} --root {source.root}"
        return [*lines[:_MOST_REMARKS], rest]
    return lines


def _plan(settings: Settings, config: DatasetConfig, classes: Classes, source: Source, samples: list[Sample]) -> Plan:
    files = [path for sample in samples for path in sample.files]
    # A table beside the photographs may say these, so their files alone do not tell that they changed.
    said = {s.id: [s.patient, s.eye, s.split, s.um_per_pixel, list(s.labels)] for s in samples}
    inputs = {
        **file_digests(files, source.root),
        **{key: code for name in (source.name, *config.members) for key, code in DATASETS.code_of_others(name).items()},
        "samples": digest_of(said),
        "classes": digest_of(classes.to_json()),
    }
    part = {"dataset": config.model_dump(mode="json"), **settings.part("prepare")}
    if settings.prepare.tensors:
        part["seed"] = settings.seed
    return Plan(STAGE, VERSION, part, inputs, seed=settings.seed)


@dataclass(frozen=True, slots=True)
class _Preparation:
    """One preparation at work: what is done is noted line by line, so that an interrupted one goes on."""

    dataset: Dataset
    samples: list[Sample]
    folder: Path
    workers: int | None

    def run(self, settings: Settings) -> dict[str, Any]:
        rows, failures = self._process()
        if not rows:
            first = failures[0]
            raise InputError(
                f"none of the {len(failures)} images can be used; the first: {first.reason}",
                fix="Run `retseg datasets check` on the folder for the whole list",
            )
        write_index(self.folder, rows)
        write_failures(self.folder, failures)
        self._write_preview(rows)
        facts = {
            "dataset": self.dataset.name,
            "title": self.dataset.title,
            "classes": self.dataset.classes.to_json(),
            "splits": _splits(rows),
            "patients": {row.id: row.patient for row in rows},
            "protocol": self.dataset.config.protocol,
            "fov_estimated": sum(row.fov_source == "estimated" for row in rows),
            "failures": len(failures),
            "remarks": sum(bool(row.remarks) for row in rows),
        }
        if settings.prepare.tensors:
            self._pack_tensors(settings, rows)
        return facts

    def _process(self) -> tuple[list[IndexRow], list[Failure]]:
        rows: dict[str, IndexRow] = {}
        failures: dict[str, Failure] = {}
        with DoneList(self.folder) as done, progress(f"Preparing {self.dataset.name}", len(self.samples)) as bar:
            for entry in done.earlier():
                if "row" in entry:
                    rows[entry["row"]["id"]] = IndexRow(**entry["row"])
                else:
                    failures[entry["failure"]["id"]] = Failure(**entry["failure"])
            pending = [s for s in self.samples if s.id not in rows and s.id not in failures]
            bar.skip(len(self.samples) - len(pending))
            for outcome in _outcomes(self.dataset, pending, self.folder, self.workers):
                if isinstance(outcome, Failure):
                    failures[outcome.id] = outcome
                    done.add({"failure": asdict(outcome)})
                else:
                    rows[outcome.id] = outcome
                    done.add({"row": asdict(outcome)})
                bar.advance(1, outcome.id)
        order = [sample.id for sample in self.samples]
        return [rows[i] for i in order if i in rows], [failures[i] for i in order if i in failures]

    def _write_preview(self, rows: list[IndexRow]) -> None:
        from retseg.imaging.io import write_png
        from retseg.stages.preview import preview

        write_png(self.folder / "preview.png", preview(self.folder, rows, self.dataset.classes))

    def _pack_tensors(self, settings: Settings, rows: list[IndexRow]) -> None:
        from retseg.training.tensors import pack_lecture_tensors

        samples = tuple(row.sample(self.folder) for row in rows)
        data = PreparedSet(self.folder, self.dataset.name, self.dataset.classes, tuple(rows), samples)
        with progress("Packing tensors", len(rows)) as bar:
            pack_lecture_tensors(
                data,
                self.folder / "tensors",
                patches_per_image=settings.prepare.tensor_patches,
                patch_size=settings.prepare.tensor_size,
                seed=settings.seed,
                report=lambda n, note: bar.advance(n, note),
            )


def _splits(rows: list[IndexRow]) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {}
    for row in rows:
        splits.setdefault(row.split, []).append(row.id)
    return splits


def _outcomes(
    dataset: Dataset, samples: list[Sample], folder: Path, workers: int | None
) -> Iterator[IndexRow | Failure]:
    """Prepares each sample, in several processes where that pays; memory does not grow with the number of samples."""
    # A reused process may still stand in the folder where it was started.
    samples, folder = [_absolute(sample) for sample in samples], folder.resolve()
    count = min(workers or os.cpu_count() or 1, len(samples))
    if count < 2 or len(samples) < _FEWEST_FOR_PROCESSES:
        for sample in samples:
            yield _prepare_sample(dataset, sample, folder)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=count, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    yield from pool(delayed(_prepare_sample)(dataset, sample, folder) for sample in samples)


def _absolute(sample: Sample) -> Sample:
    labels = {observer: path.resolve() for observer, path in sample.labels.items()}
    fov, instances = (None if path is None else path.resolve() for path in (sample.fov, sample.instances))
    return replace(sample, image=sample.image.resolve(), labels=labels, fov=fov, instances=instances)


def _prepare_sample(dataset: Dataset, sample: Sample, folder: Path) -> IndexRow | Failure:
    try:
        return save_case(folder, dataset.load(sample))
    except OutputError:
        raise
    except ImageError as error:
        return Failure(sample.id, str(sample.image), error.line)


def prepared_set(settings: Settings, root: Path | None = None, *, workers: int | None = None) -> StageResult:
    """The prepared set that a later stage works on: the one asked for, prepared now if need be, else the newest."""
    name = settings.dataset.name
    if name is not None and Manifest.find(Path(name)) is not None:
        return _made_before(Path(name), settings.dataset)
    if root is not None:
        return prepare(settings, root=root, workers=workers)
    try:
        folder = newest_prepared(name)
    except InputError:
        if name is None:
            raise
        return prepare(settings, workers=workers)
    return _made_before(folder, settings.dataset)


def _made_before(folder: Path, asked: DatasetConfig) -> StageResult:
    """A prepared set that is there, with a word on settings that it was not made with: they change nothing now."""
    manifest = Manifest.read(folder)
    made = manifest.config.get("dataset") or {}
    wanted = asked.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    idle = [f"dataset.{key}" for key, value in wanted.items() if made.get(key) != value]
    what = f"{listed(idle)} has no part in this: the set was prepared otherwise. `retseg prepare` makes a new one."
    return StageResult(folder, manifest, skipped=True, notes=(f"Note: {what}",) if idle else ())
