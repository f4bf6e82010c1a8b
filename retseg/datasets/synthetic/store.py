"""A generated set on disk: photographs, labels and what is known about each eye, as plain files with an index."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.random import SeedSequence

from retseg.core.paths import write_atomically
from retseg.datasets.synthetic.anatomy import Eye
from retseg.datasets.synthetic.cameras import Camera
from retseg.datasets.synthetic.fundus import VERSION, SyntheticEye, generate
from retseg.imaging.io import write_png

EXACT, SECOND = "exact", "second"
INDEX = "index.csv"
_COLUMNS = (
    "id",
    "patient",
    "eye",
    "camera",
    "seed",
    "um_per_pixel",
    "disc_x",
    "disc_y",
    "disc_radius",
    "fovea_x",
    "fovea_y",
)


@dataclass(frozen=True, slots=True)
class Order:
    """One photograph to be made: its id, whose eye it shows, the patient's own seed, and the camera."""

    id: str
    patient: str
    eye: Eye
    seed: int
    camera: Camera

    @property
    def key(self) -> dict[str, Any]:
        """What the photograph's bytes follow from."""
        return {"version": VERSION, "seed": self.seed, "eye": self.eye, "camera": repr(self.camera)}

    @property
    def files(self) -> dict[str, str]:
        """The photograph's files by what they show, relative to the set's root."""
        return files_of(self.id)


def files_of(photograph: str) -> dict[str, str]:
    """The files of the photograph with this id, relative to the set's root."""
    return {
        "image": f"images/{photograph}.png",
        EXACT: f"labels/{EXACT}/{photograph}.png",
        SECOND: f"labels/{SECOND}/{photograph}.png",
        "fov": f"fov/{photograph}.png",
        "artery_vein": f"artery_vein/{photograph}.png",
    }


def orders(count: int, seed: int, camera: Camera) -> list[Order]:
    """`count` photographs: both eyes of each patient, or one eye each where two patients would be too few to split."""
    eyes: tuple[Eye, ...] = ("left", "right")
    result = []
    for number in range(count):
        person, side = (number, number % 2) if count < 4 else divmod(number, 2)
        patient = f"P{person + 1:02d}"
        own_seed = int(SeedSequence([seed, person]).generate_state(1)[0])
        result.append(Order(f"{patient}_{eyes[side]}", patient, eyes[side], own_seed, camera))
    return result


def is_whole(root: Path, order: Order) -> bool:
    """Whether the photograph is there, made in this way, and none of its files is damaged."""
    facts = read_facts(root, order.id)
    if facts is None or facts.get("key") != order.key:
        return False
    return all(_digest(root / name) == facts["sha256"].get(kind) for kind, name in order.files.items())


def make(root: Path, order: Order) -> None:
    """Generates one photograph and writes its files; its facts come last and say that it is whole."""
    eye = generate(order.seed, order.camera, eye=order.eye)
    for kind, name in order.files.items():
        write_png(root / name, _array(eye, kind))
    facts = {
        "key": order.key,
        "patient": order.patient,
        "um_per_pixel": eye.um_per_pixel,
        "disc": {"centre": eye.disc_centre, "radius": eye.disc_radius},
        "fovea": eye.fovea,
        "sha256": {kind: _digest(root / name) for kind, name in order.files.items()},
    }
    write_atomically(_facts_path(root, order.id), json.dumps(facts, indent=1) + "\n")


def _array(eye: SyntheticEye, kind: str) -> Any:
    arrays = {
        "image": eye.image,
        EXACT: eye.vessel,
        SECOND: eye.second,
        "fov": eye.fov,
        "artery_vein": eye.artery_vein,
    }
    return arrays[kind]


def _facts_path(root: Path, photograph: str) -> Path:
    return root / "facts" / f"{photograph}.json"


def read_facts(root: Path, photograph: str) -> dict[str, Any] | None:
    """What is known about a photograph's eye, or None where nothing readable is there."""
    try:
        facts = json.loads(_facts_path(root, photograph).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and "sha256" in facts else None


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def remove_others(root: Path, wanted: Sequence[Order]) -> None:
    """Deletes photographs that an earlier, larger set of this folder left behind: those that have facts of ours."""
    names = {order.id for order in wanted}
    for path in sorted((root / "facts").glob("*.json")):
        if path.stem not in names and read_facts(root, path.stem) is not None:
            for name in files_of(path.stem).values():
                (root / name).unlink(missing_ok=True)
            path.unlink()


def write_index(root: Path, photographs: Sequence[Order]) -> None:
    """Writes index.csv: one line a photograph, places in pixels."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for order in photographs:
        facts = read_facts(root, order.id)
        assert facts is not None, "the index is written when all photographs are whole"
        places = [*facts["disc"]["centre"], facts["disc"]["radius"], *facts["fovea"]]
        numbers = [f"{facts['um_per_pixel']:.4f}", *(f"{value:.2f}" for value in places)]
        writer.writerow([order.id, order.patient, order.eye, order.camera.name, order.seed, *numbers])
    write_atomically(root / INDEX, table.getvalue())
