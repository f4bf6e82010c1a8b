"""segments: vessel masks become vessel segments, as ids of pixels and as tables of lengths and calibres."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from retseg.core.errors import ConfigError, ImageError, InputError, OutputError
from retseg.core.progress import progress
from retseg.core.types import BoolArray
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import read_image, read_label, write_png
from retseg.imaging.label_maps import binary_mask
from retseg.stages.done import DoneList
from retseg.stages.failures import Failure, write_failures
from retseg.stages.predict import predict_prepared
from retseg.stages.prepare import prepared_set
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.segment_sources import (
    MaskSource,
    VesselMask,
    labels_of,
    masks_at,
    predicted_masks,
    require_vessels,
)
from retseg.stages.segment_tables import Row, gather, summary_row, write_part, write_summary
from retseg.stages.settings import Settings

STAGE = "segments"
VERSION = 1
_FEWEST_FOR_PROCESSES = 6


def segments(
    settings: Settings,
    path: Path | None = None,
    *,
    run: Path | None = None,
    root: Path | None = None,
    split: str | None = None,
    um_per_pixel: float | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Divides vessel masks into segments between junctions. Bad images are listed in failures.csv and left out.

    Args:
        settings: The configuration; what names a prepared set counts, and with `run` what its prediction depends on.
        path: A mask, a folder of masks, a folder of predictions, or a prepared set, whose labels are taken.
        run: Take what this run predicts for a prepared set; predicted first if that is missing.
        root: The dataset's folder as its owner ships it, where the set still has to be prepared.
        split: Only this part of a prepared set; all labels, or the test photographs of a prediction, when None.
        um_per_pixel: Micrometres per pixel of those images of which it is not known.
        out: Folder to write; beside what was given when None, and in the run's own folder with `run`.
        device: Where to predict: "auto", "cpu", "cuda", "cuda:1" or "mps".
        workers: Processes to use; all cores when None.
        force: Do it again even if nothing changed.
    """
    if path is not None and (run is not None or root is not None or settings.dataset.name is not None):
        raise ConfigError("masks were named, and a run or a dataset too", fix="Give MASKS, or --run and --dataset")
    notes: tuple[str, ...] = ()
    if path is not None:
        source = masks_at(path, split)
    else:
        prepared = prepared_set(settings, root, workers=workers)
        notes = (*prepared.notes, f"Prepared set: {prepared.folder}")
        data = PreparedSet.open(prepared.folder)
        if run is None:
            source = labels_of(data, split)
        else:
            source, more = _predicted(settings, data, run, split, device, workers)
            notes += more
    source = source.at_scale(um_per_pixel)
    job = _Segmentation(source.masks, workers)
    plan = Plan(STAGE, VERSION, {"um_per_pixel": um_per_pixel}, source.inputs)
    result = run_stage(plan, out or source.out, lambda partial, resumed: job.run(partial), force=force)
    return StageResult(result.folder, result.manifest, result.skipped, notes)


def _predicted(
    settings: Settings, data: PreparedSet, run: Path, split: str | None, device: str, workers: int | None
) -> tuple[MaskSource, tuple[str, ...]]:
    require_vessels(data.classes, data.folder)
    if split is not None:
        settings = settings.model_copy(update={"evaluate": settings.evaluate.model_copy(update={"split": split})})
    made = predict_prepared(settings, data.folder, run=run, device=device, workers=workers)
    source = predicted_masks(made.folder, data)
    return replace(source, out=made.folder.parent.parent / STAGE / made.folder.name), made.notes


@dataclass(frozen=True, slots=True)
class _Segmentation:
    """Masks at work: what is done is noted line by line, so that an interrupted run goes on."""

    masks: tuple[VesselMask, ...]
    workers: int | None

    def run(self, folder: Path) -> Mapping[str, Any]:
        rows: dict[str, Row] = {}
        failures: dict[str, Failure] = {}
        with DoneList(folder) as done, progress("Finding segments", len(self.masks)) as bar:
            for entry in done.earlier():
                if "row" in entry:
                    rows[entry["row"][0]] = entry["row"]
                else:
                    failures[entry["failure"]["id"]] = Failure(**entry["failure"])
            pending = [mask for mask in self.masks if mask.id not in rows and mask.id not in failures]
            bar.skip(len(self.masks) - len(pending))
            for mask, outcome in _outcomes(pending, folder, self.workers):
                if isinstance(outcome, Failure):
                    failures[mask.id] = outcome
                    done.add({"failure": asdict(outcome)})
                else:
                    rows[mask.id] = outcome
                    done.add({"row": outcome})
                bar.advance(1, mask.id)
            self._write_tables(folder, rows, failures)
        return {
            "images": len(rows),
            "failures": len(failures),
            "segments": sum(int(row[1]) for row in rows.values()),
            "junctions": sum(int(row[2]) for row in rows.values()),
        }

    def _write_tables(self, folder: Path, rows: Mapping[str, Row], failures: Mapping[str, Failure]) -> None:
        if not rows:
            first = next(iter(failures.values()))
            reason = first.reason.rstrip(".")
            if len(failures) == 1:
                raise ImageError(reason)
            raise InputError(f"none of the {len(failures)} masks can be used; the first: {reason}")
        scaled = any(mask.um_per_pixel is not None for mask in self.masks)
        there = [mask.id for mask in self.masks if mask.id in rows]
        gather(folder, there, scaled)
        write_summary(folder, [rows[identifier] for identifier in there], scaled)
        write_failures(folder, [failures[mask.id] for mask in self.masks if mask.id in failures])


def _outcomes(masks: list[VesselMask], folder: Path, workers: int | None) -> Iterator[tuple[VesselMask, Row | Failure]]:
    """Divides each mask, in several processes where that pays; memory does not grow with the number of masks."""
    count = min(workers or os.cpu_count() or 1, len(masks))
    if count < 2 or len(masks) < _FEWEST_FOR_PROCESSES:
        for mask in masks:
            yield mask, _divide(mask, folder)
        return
    from joblib import Parallel, delayed

    # A reused process may still stand in the folder where it was started.
    pool = Parallel(n_jobs=count, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    yield from pool(delayed(_named)(mask.absolute(), folder.resolve()) for mask in masks)


def _named(mask: VesselMask, folder: Path) -> tuple[VesselMask, Row | Failure]:
    return mask, _divide(mask, folder)


def _divide(mask: VesselMask, folder: Path) -> Row | Failure:
    """Writes one mask's segments; its line of summary.csv, or why it cannot be used."""
    from retseg.imaging.segment_colours import segment_overlay
    from retseg.imaging.segments import vessel_graph

    try:
        vessel, fov = _loaded(mask)
        try:
            graph = vessel_graph(vessel, fov)
        except ImageError as error:
            raise ImageError(error.what, where=mask.path, fix="Look at the mask") from None
        photograph = None if mask.photograph is None else read_image(mask.photograph)
        write_png(folder / "segments" / f"{mask.id}.png", graph.ids)
        write_png(folder / "overlay" / f"{mask.id}.png", segment_overlay(graph, photograph))
        write_part(folder, mask.id, graph, mask.um_per_pixel)
        return summary_row(mask.id, graph, mask.um_per_pixel)
    except OutputError:
        raise
    except ImageError as error:
        return Failure(mask.id, str(mask.path), error.line)


def _loaded(mask: VesselMask) -> tuple[BoolArray, BoolArray]:
    """The vessels (H, W) and the field of view (H, W)."""
    raw = read_label(mask.path)
    vessel = binary_mask(raw, mask.path) if mask.vessel is None else np.asarray(raw == mask.vessel)
    if mask.fov is None:
        return vessel, np.ones_like(vessel)
    fov = read_label(mask.fov) > 0
    if fov.shape != vessel.shape:
        sizes = f"{vessel.shape[1]}x{vessel.shape[0]} and {fov.shape[1]}x{fov.shape[0]} pixels"
        what = f"mask and field of view differ in size ({sizes})"
        raise ImageError(what, where=mask.path, fix=f"Compare it with {mask.fov}")
    return vessel, fov
