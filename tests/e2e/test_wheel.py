"""The wheel carries everything: built, installed in a fresh environment, and run from an empty folder."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_wheel_holds_templates_pipelines_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "retseg/py.typed" in names
    assert "retseg/reporting/templates/run.html" in names
    assert "retseg/pipelines/chase.yaml" in names
    for name in ("biomarkers/margins.json", "biomarkers/reference.json", "reporting/catalogues/de.json"):
        assert f"retseg/{name}" in names
    models = (ROOT / "retseg/inference/shipped").iterdir()
    assert {f"retseg/inference/shipped/{path.name}" for path in models} <= names
    shipped = {f"retseg/pipelines/{path.name}" for path in (ROOT / "pipelines").glob("*.yaml")}
    assert shipped <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "data/"))]


@pytest.mark.timeout(600)
def test_installed_wheel_runs_from_an_empty_folder(wheel, tmp_path):
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    # The wheel alone is installed; its dependencies (torch among them) are those of this environment.
    target = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, str(wheel)], check=True
    )
    (Path(target) / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "RETSEG_DATA")}

    def run(*words: str) -> str:
        command = [str(python), "-m", "retseg", *words]
        done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [python, "-c", "import retseg; print(retseg.__file__)"], cwd=empty, check=True, capture_output=True, text=True
    )
    assert target in where.stdout
    assert "retseg" in run("--version")
    page = run(
        "run",
        "demo",
        "--set",
        "dataset.count=4",
        "--set",
        "train.max_steps=1",
        "--set",
        "train.epochs=1",
        "--workers",
        "1",
    ).splitlines()[-1]
    assert (empty / page).read_text(encoding="utf-8").startswith("<!doctype html>")
