"""Small finished runs on disk, made by the real writers, and the pages that are made of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from retseg.core.manifest import Manifest, provenance
from retseg.core.types import CLASS_MAP, INSTANCES, Case, Classes, ClassInfo, OperatingPoint, Sample
from retseg.datasets.prepared import PreparedSet, save_case, write_index
from retseg.imaging.config import InputConfig
from retseg.imaging.io import write_png
from retseg.inference.card import Card
from retseg.inference.config import PredictConfig
from retseg.inference.prediction import Prediction
from retseg.inference.writer import PredictionWriter, write_operating_point
from retseg.reporting.config import ReportConfig
from retseg.reporting.run_report import RunFolders, write_run_report
from tests.reporting.evaluation_files import Evaluation

VESSELS = Classes(
    "vessels",
    (ClassInfo("beyond", (0, 0, 0)), ClassInfo("vessel", (213, 94, 0)), ClassInfo("retina", (86, 180, 233))),
    positive=1,
    outside=0,
)
SCENES = Classes(
    "scenes",
    (ClassInfo("ground", (128, 64, 0)), ClassInfo("tree", (0, 128, 0)), ClassInfo("sky", (128, 128, 255))),
)
MANY = Classes("many", tuple(ClassInfo(f"kind {i}", (20 * i, 255 - 20 * i, 90)) for i in range(7)))
STREETS = Classes(
    "streets",
    tuple(ClassInfo(f"thing {i}", ((37 * i + 40) % 256, (91 * i + 110) % 256, (53 * i) % 256)) for i in range(23)),
    subject="photograph",
)
PEOPLE = Classes(
    "people",
    (ClassInfo("background", (0, 0, 0)), ClassInfo("person", (230, 159, 0))),
    things=(1,),
    subject="photograph",
)
TABLES = {table.name: table for table in (VESSELS, SCENES, MANY, STREETS, PEOPLE)}
HISTORY = (
    {"epoch": 1, "train_loss": 0.9, "validation_loss": 1.0, "validation_dice": 0.41, "seconds": 60},
    {"epoch": 2, "train_loss": 0.5, "validation_loss": 0.6, "validation_dice": 0.67, "seconds": 120},
    {"epoch": 3, "train_loss": 0.3, "validation_loss": 0.7, "validation_dice": 0.62, "seconds": 180},
)
LECTURE_HISTORY = ({"epoch": 1, "train_loss": 1.25, "test_loss": 1.5, "seconds": 5},)
CONFIG: dict[str, Any] = {
    "seed": 7,
    "recipe": "default",
    "model": {"arch": "unet", "options": {}},
    "loss": {"name": "dice-cross-entropy"},
    "train": {"optimiser": "adamw", "lr": 3e-3, "batch": 16, "steps_per_epoch": 25},
    "sampling": {"patch_size": 128, "patches_per_image": None, "fixed": False},
}


def drawn_case(
    number: int, split: str, classes: Classes, size: tuple[int, int], *, labelled: bool = True, observer: bool = True
) -> Case:
    """A photograph with, as its label, a cross (positive class), bands of all classes, patches of some, or figures.

    Eyes have a round field of view; photographs that are their own subjects have none.
    """
    random = np.random.default_rng(number)
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    fov = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (0.46 * height) ** 2
    image = random.integers(60, 90, (height, width, 3)).astype(np.uint8) * fov[..., None]
    instances = None
    if classes.subject == "photograph":
        fov = np.ones(size, bool)
        image = random.integers(40, 220, (height, width, 3)).astype(np.uint8)
    if classes.things:
        instances = drawn_figures(size, 2 + number)
        label = (instances > 0).astype(np.uint8)
    elif classes is STREETS:
        label = drawn_patches(random, size, classes.count)
    elif classes.positive is None:
        label = (columns * classes.count // width).astype(np.uint8)
    else:
        cross = (np.abs(rows - 20 - number) < 2) | (np.abs(columns - 30) < 2)
        label = np.where(fov, np.where(cross, 1, 2), 0).astype(np.uint8)
    sample = Sample(
        id=f"{split}/{number:02d}",
        patient=f"{split}/{number:02d}" if classes.subject == "photograph" else f"p{number // 2}-{split}",
        image=Path("x.png"),
        split=split,
        eye=None if classes.subject == "photograph" else "left" if number % 2 else "right",
        labels={"first": Path("a"), **({"second": Path("b")} if observer else {})} if labelled else {},
    )
    observers = {"second": np.roll(label, 1, axis=1)} if labelled and observer else {}
    targets = {CLASS_MAP: label, **({} if instances is None else {INSTANCES: instances})} if labelled else {}
    return Case(sample, image, fov, targets, observers, fov_estimated=classes.subject != "photograph")


def drawn_figures(size: tuple[int, int], count: int) -> np.ndarray:
    """An id map of upright figures in a row, each of which touches the next."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    ids = np.zeros(size, np.uint16)
    reach = width / (2 * count + 2)
    for number in range(count):
        middle = (2 * number + 1.5) * reach
        inside = ((columns - middle) / reach) ** 2 + ((rows - height / 2) / (0.4 * height)) ** 2 <= 1.1
        ids[inside & (ids == 0)] = number + 1
    return ids


def drawn_patches(random: np.random.Generator, size: tuple[int, int], count: int) -> np.ndarray:
    """Patches of five of the classes but the last three, with seams of void between them."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    middles = random.random((6, 2)) * size
    distances = np.stack([np.hypot(rows - y, columns - x) for y, x in middles])
    kinds = random.choice(count - 3, 5, replace=False)
    nearest = np.sort(distances, axis=0)
    label = np.append(kinds, kinds[0])[distances.argmin(axis=0)].astype(np.uint8)
    label[nearest[1] - nearest[0] < 1.5] = 255
    return label


@dataclass
class World:
    """A prepared set and runs on it."""

    folder: Path
    classes: Classes = VESSELS
    size: tuple[int, int] = (60, 64)
    grain: float = 0.0
    labelled: bool = True
    observer: bool = True
    trains: int = 4
    tests: int = 4
    dataset: str = "drawn"
    unseen: tuple[str, ...] = ()
    cases: list[Case] = field(default_factory=list)

    def prepare(self) -> PreparedSet:
        where = self.folder / "prepared"
        make = [("train", number) for number in range(self.trains)] + [("test", number) for number in range(self.tests)]
        rows = []
        for split, number in make:
            labelled = self.labelled or split == "train"
            case = drawn_case(number, split, self.classes, self.size, labelled=labelled, observer=self.observer)
            rows.append(save_case(where, case))
            if split == "test":
                self.cases.append(case)
        write_index(where, rows)
        facts = {"dataset": self.dataset, "classes": self.classes.to_json(), "splits": {}, "failures": 0}
        Manifest("prepare", 1, "k", {}, {}, {}, {}, facts).write(where)
        return PreparedSet.open(where)

    def run(
        self,
        prepared: PreparedSet,
        name: str,
        *,
        blur: float = 0.2,
        config: Mapping[str, Any] = CONFIG,
        history: Sequence[Mapping[str, Any]] = HISTORY,
        all_classes: bool = True,
        seed: int = 0,
    ) -> RunFolders:
        """A finished run; with a larger `blur` its probabilities are further from the truth."""
        folders = RunFolders(
            name,
            *(self.folder / name / part for part in ("train", f"predict/{self.dataset}", f"evaluate/{self.dataset}")),
        )
        assert folders.train is not None
        positive = self.classes.positive is not None
        point = OperatingPoint(0.4375, "highest pooled Dice", self.dataset, "validation", ("p1-train",), 0.777)
        writer = PredictionWriter(folders.predict, self.classes, point.threshold if positive else None, all_classes)
        for number, case in enumerate(self.cases):
            probabilities = self.probabilities(case, number, blur, seed)
            writer.write(Prediction(case.sample.id, case.image, case.fov, probabilities))
            if self.classes.things:
                found = self.instances(case, probabilities)
                write_png(folders.predict / "instances" / f"{case.sample.id}.png", found)
        write_operating_point(folders.predict, point if positive else None)
        card = Card(
            arch="unet",
            options={},
            classes=self.classes,
            input=InputConfig(),
            predict=PredictConfig(),
            dataset=self.dataset,
            splits={"train": ("train/00", "train/01"), "validation": ("train/02", "train/03")},
            train_patients=("p0-train",),
            validation_patients=("p1-train",),
            operating_point=point if positive else None,
            epoch=len(history) - 1 or 1,
        )
        Evaluation(
            self.dataset,
            name,
            self.classes,
            self.cases,
            {c.sample.id: self.probabilities(c, n, blur, seed) for n, c in enumerate(self.cases)},
            card.operating_point,
            card,
            all_classes,
            self.unseen,
            folders.predict / "instances" if self.classes.things else None,
        ).write(folders.evaluate)
        self.write_history(folders.train, history)
        facts = {"dataset": self.dataset, "parameters": 3523, "steps": 75, "kept": "Epoch 2 of 3, the best."}
        made = provenance(seed=7, device="cpu (test)", seconds=125.0)
        Manifest("train", 1, "k", dict(config), {}, {}, made, facts).write(folders.train)
        Manifest("predict", 1, "k", {"predict": {"window": 512, "overlap": 0.25}}, {}, {}, made).write(folders.predict)
        Manifest("evaluate", 1, "k", {}, {}, {}, made).write(folders.evaluate)
        return folders

    def probabilities(self, case: Case, number: int, blur: float, seed: int) -> np.ndarray:
        """Probabilities (C, H, W) whose errors grow from image to image."""
        random = np.random.default_rng(seed + number)
        label = case.targets.get(CLASS_MAP, drawn_case(number, "test", self.classes, self.size).targets[CLASS_MAP])
        truth = np.stack([label == index for index in range(self.classes.count)]).astype(np.float32)
        noise = random.random(truth.shape, np.float32)
        if self.grain:
            # Real errors are patches, not single pixels.
            noise = gaussian_filter(noise, (0, self.grain, self.grain)) - 0.5
            noise = np.clip(noise / noise.std(), 0, 3)
        noise *= blur * (1 + number)
        mixed = truth + noise + 1e-3
        return np.asarray(mixed / mixed.sum(axis=0), np.float32)

    def instances(self, case: Case, probabilities: np.ndarray) -> np.ndarray:
        """The true figures, as far as the class map has them: a separation that makes no mistake of its own."""
        ids = case.targets[INSTANCES]
        return np.where(probabilities.argmax(axis=0) == 1, ids, 0).astype(np.uint16)

    @staticmethod
    def write_history(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
            columns = ("epoch", "train_loss", "validation_loss", "validation_dice", "test_loss", "seconds")
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(history)


class Page(HTMLParser):
    """A parsed page: every element with its attributes, the text, and whether each tag is closed in order."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            assert self._cell is not None
            self.rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += " " + " ".join(data.split())
        if self._cell is not None:
            self._cell.append(data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of every element of this kind."""
        return [a for t, a in self.elements if t == tag and all(a.get(k) == v for k, v in attributes.items())]

    def row(self, *beginning: str) -> list[str]:
        """The first table row whose cells begin with these texts."""
        return next(row for row in self.rows if tuple(row[: len(beginning)]) == beginning)


Render = Callable[..., Page]


def render(systems: Sequence[RunFolders], prepared: PreparedSet, out: Path, config: ReportConfig | None = None) -> Page:
    return Page(write_run_report(systems, prepared, out, config or ReportConfig()))


@pytest.fixture(scope="session")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., World]:
    """Makes a world in a folder of its own: `make_world("scenes", tests=2)`."""
    return lambda table="vessels", **settings: World(tmp_path_factory.mktemp("world"), TABLES[table], **settings)


@pytest.fixture(scope="session")
def vessels(make_world: Callable[..., World]) -> tuple[PreparedSet, list[RunFolders]]:
    """Two runs on a set with one positive class, the second one worse and trained by the lecture's recipe."""
    world = make_world()
    prepared = world.prepare()
    lecture = {**CONFIG, "recipe": "lecture", "loss": {"name": "nll"}, "model": {"arch": "segnet", "options": {}}}
    return prepared, [
        world.run(prepared, "good"),
        world.run(prepared, "poor", blur=0.6, config=lecture, history=LECTURE_HISTORY, seed=90),
    ]


@pytest.fixture(scope="session")
def streets(make_world: Callable[..., World]) -> tuple[PreparedSet, list[RunFolders]]:
    """Two runs on photographs of 23 classes and void; two classes were never seen in training, one is in no test."""
    world = make_world("streets", observer=False, unseen=("thing 21", "thing 3"))
    prepared = world.prepare()
    return prepared, [world.run(prepared, "good"), world.run(prepared, "poor", blur=0.6, seed=90)]


@pytest.fixture(scope="session")
def people(make_world: Callable[..., World]) -> tuple[PreparedSet, list[RunFolders]]:
    """A run on photographs of figures that touch, told apart."""
    world = make_world("people", observer=False)
    prepared = world.prepare()
    return prepared, [world.run(prepared, "net", blur=0.3)]


@pytest.fixture(scope="session")
def many(make_world: Callable[..., World]) -> tuple[PreparedSet, list[RunFolders]]:
    """Seven runs, more than colours tell apart, each with losses, seconds an epoch and epochs of its own."""
    world = make_world(tests=2)
    prepared = world.prepare()
    runs = []
    for number in range(7):
        history = [
            {
                "epoch": epoch,
                "train_loss": (0.2 + 0.1 * number) * (1 + 1 / epoch),
                "validation_loss": (0.3 + 0.1 * number) * (1 + 1 / epoch),
                "validation_dice": 0.8 - 0.05 * number - 0.1 / epoch,
                "seconds": epoch * (10 + number),
            }
            for epoch in range(1, 4 + number)
        ]
        config = {**CONFIG, "model": {"arch": f"net{number}", "options": {}}}
        runs.append(world.run(prepared, f"net{number}", blur=0.1 + 0.05 * number, history=history, config=config))
    return prepared, runs


@pytest.fixture(scope="session")
def page(vessels: tuple[PreparedSet, list[RunFolders]], tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report about both runs."""
    prepared, systems = vessels
    return render(systems, prepared, tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="session")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Writes and parses a report: `draw(systems, prepared, ReportConfig(...))`."""
    return lambda systems, prepared, config=None: render(systems, prepared, tmp_path_factory.mktemp("out"), config)
