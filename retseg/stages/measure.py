"""measure: predicted vessels become landmarks, image quality and measurements with their intervals, one file each."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial as with_arguments
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from retseg.biomarkers.config import MeasureConfig
from retseg.biomarkers.photograph import VesselMap, measure_photograph
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import in_units
from retseg.core.errors import ImageError, InputError, OutputError
from retseg.core.manifest import Manifest, digest_of
from retseg.core.paths import write_atomically
from retseg.core.progress import progress
from retseg.core.types import BoolArray, Sample, UInt8Array
from retseg.imaging.io import read_image, read_label, write_png
from retseg.imaging.maps import read_probability
from retseg.imaging.vessels import local_calibre, skeleton
from retseg.stages.done import DoneList
from retseg.stages.failures import Failure, write_failures
from retseg.stages.runner import Plan, StageResult, run_stage
from retseg.stages.settings import Settings

STAGE = "measure"
VERSION = 1
REFERENCE = "reference.json"
"""Ranges of healthy eyes, beside this package's measurements and beside each result."""

_FEWEST_FOR_PROCESSES = 2
_CALIBRE_STEPS = 4
"""Steps of grey a pixel of calibre in the pictures of centrelines."""


def measure(
    settings: Settings,
    predicted: Path,
    samples: Sequence[Sample],
    *,
    out: Path | None = None,
    workers: int | None = None,
    force: bool = False,
) -> StageResult:
    """Measures the vessels that were predicted. Bad images are listed in failures.csv and left out.

    Args:
        settings: The configuration; `measure` counts.
        predicted: What `retseg predict` wrote for these photographs with a model that finds vessels.
        samples: The photographs, with their scale where it is known.
        out: Folder to write; `measure` within the prediction when None.
        workers: Processes to use; all cores when None.
        force: Do it again even if nothing changed.
    """
    manifest = Manifest.read(predicted)
    threshold = (manifest.facts.get("threshold") or {}).get("threshold")
    if threshold is None:
        raise InputError("measurements need vessels, and this prediction has no threshold for them", where=predicted)
    known = [[sample.id, str(sample.image), sample.um_per_pixel] for sample in samples]
    inputs = {"predictions": manifest.digest, "photographs": digest_of(known)}
    job = _Measuring(settings.measure, predicted, tuple(samples), float(threshold), workers)
    plan = Plan(STAGE, VERSION, settings.part("measure"), inputs)

    def work(partial: Path, resumed: bool) -> Mapping[str, Any]:
        facts = job.run(partial)
        _write_json(partial / "definitions.json", definitions())
        _write_json(partial / "model.json", model_facts(manifest, float(threshold)))
        if (ranges := reference_ranges()) is not None:
            write_atomically(partial / REFERENCE, ranges)
        return facts

    return run_stage(plan, out or predicted / STAGE, work, force=force)


def definitions() -> list[dict[str, str]]:
    """What every measurement is, in the order in which tables show them."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "definition": one.definition,
            "explanation": one.explanation,
            "unit": in_units(1.0, one.kind, 1.0).unit,
            "citation": one.citation,
            "validity": one.valid,
            "group": one.group,
        }
        for one in BIOMARKERS.loadable().values()
    ]


def model_facts(predicted: Manifest, threshold: float) -> dict[str, Any]:
    """What the pages say of the model behind a prediction."""
    card = predicted.facts.get("card") or {}
    provenance = card.get("provenance") or {}
    weights = [digest for name, digest in sorted(predicted.inputs.items()) if name.startswith("weights")]
    return {
        "model": provenance.get("name") or Path(str(predicted.facts.get("run", ""))).name,
        "version": version("retseg"),
        "weights_sha256": ", ".join(weights),
        "threshold": round(threshold, 4),
        "date": datetime.now(UTC).date().isoformat(),
        "protocol": "Only the field of view counts; vessels where the probability exceeds a threshold that was fitted "
        "on training patients and then frozen.",
        "credits": "; ".join(provenance.get("credits") or ()),
    }


def reference_ranges() -> str | None:
    """The ranges of healthy eyes that ship with retseg, as the file's text; None before they were made."""
    path = files("retseg.biomarkers") / REFERENCE
    return path.read_text(encoding="utf-8") if path.is_file() else None


@dataclass(frozen=True, slots=True)
class _Measuring:
    """Photographs at work: what is done is noted line by line, so that an interrupted run goes on."""

    config: MeasureConfig
    predicted: Path
    samples: tuple[Sample, ...]
    threshold: float
    workers: int | None

    def run(self, folder: Path) -> Mapping[str, Any]:
        failures: dict[str, Failure] = {}
        with DoneList(folder) as done, progress("Measuring", len(self.samples)) as bar:
            finished: set[str] = set()
            for entry in done.earlier():
                if "failure" in entry:
                    failures[entry["failure"]["id"]] = Failure(**entry["failure"])
                else:
                    finished.add(entry["id"])
            pending = [one for one in self.samples if one.id not in finished and one.id not in failures]
            bar.skip(len(self.samples) - len(pending))
            for identifier, failure in self._outcomes(pending, folder):
                if failure is not None:
                    failures[identifier] = failure
                    done.add({"failure": asdict(failure)})
                else:
                    finished.add(identifier)
                    done.add({"id": identifier})
                bar.advance(1, identifier)
        if not finished:
            raise InputError(f"nothing could be measured; the first: {next(iter(failures.values())).reason}")
        write_failures(folder, [failures[one.id] for one in self.samples if one.id in failures])
        measured = [one.id for one in self.samples if one.id in finished]
        grades = write_table(folder, measured)
        return {"images": len(finished), "failures": len(failures), "grades": grades}

    def _outcomes(self, samples: list[Sample], folder: Path) -> Iterator[tuple[str, Failure | None]]:
        """Measures each photograph, in several processes where that pays."""
        one = with_arguments(_measured, self.predicted.resolve(), folder.resolve(), self.threshold, self.config)
        count = min(self.workers or os.cpu_count() or 1, len(samples))
        if count < _FEWEST_FOR_PROCESSES:
            yield from map(one, samples)
            return
        from joblib import Parallel, delayed

        # A reused process may still stand in the folder where it was started.
        absolute = (replace(sample, image=sample.image.resolve()) for sample in samples)
        pool = Parallel(n_jobs=count, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
        yield from pool(delayed(one)(sample) for sample in absolute)


def _measured(
    predicted: Path, out: Path, threshold: float, config: MeasureConfig, sample: Sample
) -> tuple[str, Failure | None]:
    """Writes one photograph's measurements and its centrelines; why not, if it cannot be used."""
    try:
        image = read_image(sample.image)
        mask, fov = (read_label(predicted / kind / f"{sample.id}.png") > 0 for kind in ("mask", "fov"))
        vessels = VesselMap(mask, read_probability(predicted / "prob" / f"{sample.id}.png"), threshold)
        if mask.shape != image.shape[:2]:
            raise ImageError("the photograph is not the one that was predicted", where=sample.image, fix="Predict anew")
        found = measure_photograph(image, fov, vessels, config, sample.um_per_pixel)
        write_png(out / "skeleton" / f"{sample.id}.png", calibre_picture(mask, fov))
        head = {"id": sample.id, "image": str(sample.image.resolve())}
        _write_json(out / "photographs" / f"{sample.id}.json", {**head, **found.to_json()})
    except OutputError:
        raise
    except ImageError as error:
        return sample.id, Failure(sample.id, str(sample.image), error.line)
    return sample.id, None


def calibre_picture(mask: BoolArray, fov: BoolArray) -> UInt8Array:
    """The centrelines (H, W) of a mask inside its field of view: four times the local calibre in pixels, 0 beside."""
    line = skeleton(mask & fov)
    calibre = local_calibre(mask & fov, line, fov, line) * _CALIBRE_STEPS
    return np.clip(np.rint(np.nan_to_num(calibre, posinf=255.0)), 0, 255).astype(np.uint8)


def write_table(folder: Path, ids: Sequence[str]) -> dict[str, int]:
    """Gathers all measurements in measurements.csv, one line a photograph; returns how many have each grade."""
    names = BIOMARKERS.loadable()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name}{part}" for name in names for part in ("", "_low", "_high", "_unit")]
    writer.writerow(["id", "quality", "um_per_pixel", *columns])
    grades: dict[str, int] = {}
    for identifier in ids:
        found = json.loads((folder / "photographs" / f"{identifier}.json").read_text(encoding="utf-8"))
        grade = found["quality"]["grade"]
        grades[grade] = grades.get(grade, 0) + 1
        entries = [found["measurements"].get(name, {}) for name in names]
        cells = [entry.get(part) for entry in entries for part in ("value", "low", "high", "unit")]
        row = [identifier, grade, found["um_per_pixel"], *cells]
        writer.writerow(["" if cell is None else cell for cell in row])
    write_atomically(folder / "measurements.csv", text.getvalue())
    return grades


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
