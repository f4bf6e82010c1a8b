"""Fixtures that all rooms share."""

from __future__ import annotations

import os

# One thread a test process: pytest-xdist already uses every core, and results do not depend on the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("retseg", deadline=None)
settings.load_profile("retseg")


@pytest.fixture(autouse=True, scope="session")
def nothing_shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test depends on the models that the package brings along; `shipped` gives a test some of its own."""
    from retseg.inference import shipped_models

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped_models, "FOLDER", tmp_path_factory.mktemp("shipped"))
        yield


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which this test's shipped models lie; empty."""
    from retseg.inference import shipped_models

    folder = tmp_path / "package" / "shipped"
    folder.mkdir(parents=True)
    monkeypatch.setattr(shipped_models, "FOLDER", folder)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.rstrip("\n").rsplit("\n", 1)[-1]


Retseg = Callable[..., Outcome]


def call_retseg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> Outcome:
    from retseg.cli.main import main

    monkeypatch.setattr("sys.argv", ["retseg", *map(str, words)])
    capsys.readouterr()
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    return Outcome(int(code or 0), printed.out, printed.err)  # type: ignore[call-overload]


@pytest.fixture
def retseg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Retseg:
    """Runs the command line in an empty folder of its own, as a user would: `retseg("train", "--arch", "unet")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETSEG_DATA", raising=False)
    return lambda *words: call_retseg(capsys, monkeypatch, *words)


def fundus(seed: int = 0, side: int = 96) -> np.ndarray:
    """A small drawn photograph (side, side, 3): a red disc with dark lines on black."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] - side / 2
    image = np.zeros((side, side, 3), np.float32)
    inside = rows**2 + columns**2 < (0.45 * side) ** 2
    image[inside] = (170, 80, 40)
    for angle in random.uniform(0, np.pi, 4):
        line = np.abs(rows * np.cos(angle) + columns * np.sin(angle) + random.uniform(-side / 5, side / 5)) < 1.5
        image[line & inside] *= 0.55
    image[inside] += random.normal(0, 3, (int(inside.sum()), 3))
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with three photographs."""
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(fundus(number)).save(folder / f"eye{number}.png")
    return folder
