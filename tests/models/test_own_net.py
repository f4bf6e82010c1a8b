from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from retseg.core.errors import ConfigError
from retseg.models.architecture import Architecture
from retseg.models.own_net import import_net

CODE = """
from torch import nn
from retseg.models.segnet import SEGNET

READY = nn.Conv2d(3, 2, 1)
TABLE = {"a": 1}

class Tiny(nn.Module):
    Inner = nn.ReLU

class NeedsWidth(nn.Module):
    def __init__(self, width):
        super().__init__()

def make():
    return nn.Conv2d(3, 4, 1)

def number():
    return 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A folder with a module, whose name is its own in every test: Python imports a name once."""
    name = f"nets_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)  # restores the search path afterwards
    monkeypatch.chdir(tmp_path)
    return name


def test_an_instance_a_class_or_a_function(folder: str) -> None:
    ready = import_net(f"{folder}:READY")
    assert isinstance(ready, nn.Conv2d)
    assert import_net(f"{folder}:READY") is ready
    assert type(import_net(f"{folder}:Tiny")).__name__ == "Tiny"
    assert isinstance(import_net(f"{folder}:Tiny.Inner"), nn.ReLU)
    made = import_net(f"{folder}:make")
    assert isinstance(made, nn.Conv2d)
    assert made.out_channels == 4


def test_an_architecture_is_handed_on_as_it_is(folder: str) -> None:
    found = import_net(f"{folder}:SEGNET")
    assert isinstance(found, Architecture)
    assert found.name == "segnet"


def test_a_module_of_a_library() -> None:
    assert isinstance(import_net("torch.nn:Identity"), nn.Identity)


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("Tyni", ["there is no 'Tyni'", "Did you mean Tiny"]),
        ("TABLE", ["no net: it is a dict"]),
        ("number", ["gives an int when it is called"]),
        ("NeedsWidth", ["without arguments", "width"]),
        ("", ["module:attribute"]),
    ],
)
def test_what_is_no_net_is_said_in_one_line(folder: str, attribute: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        import_net(f"{folder}:{attribute}")
    for word in words:
        assert word in caught.value.line


@pytest.mark.parametrize(
    ("module", "code", "words"),
    [
        ("nowhere_at_all", None, ["there is no module 'nowhere_at_all'", "holds nowhere_at_all.py"]),
        ("torch.nowhere", None, ["there is no module 'torch.nowhere'"]),
        ("imports_nothing", "import not_installed_here", ["'imports_nothing' cannot be", "not_installed_here"]),
        ("no_python", "def x(:", ["cannot be imported", "SyntaxError"]),
        ("leaves", "raise SystemExit(3)", ["cannot be imported", "SystemExit: 3"]),
    ],
)
def test_a_module_that_cannot_be_imported(tmp_path: Path, module: str, code: str | None, words: list[str]) -> None:
    if code is not None:
        (tmp_path / f"{module}.py").write_text(code)
    with pytest.raises(ConfigError) as caught:
        import_net(f"{module}:Net")
    for word in words:
        assert word in caught.value.line
