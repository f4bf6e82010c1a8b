from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import Field

from retseg.core.config import Section
from retseg.core.errors import ConfigError, InputError
from retseg.datasets.base import VESSELS
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import save_weights
from retseg.inference.config import PredictConfig
from retseg.models.build import build
from retseg.models.config import ModelConfig
from retseg.stages import show_model
from retseg.stages.show_model import compare_nets, parse_size, show_net
from tests.conftest import fundus


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(show_model, "SECONDS", 0.0)


@pytest.fixture
def eye(tmp_path: Path) -> Path:
    Image.fromarray(fundus(2, 150)).save(tmp_path / "eye.png")
    return tmp_path / "eye.png"


def test_sizes() -> None:
    assert parse_size("96") == (96, 96)
    assert parse_size("96x128") == (96, 128)
    for wrong in ("", "x", "96x", "0", "96x0", "-3", "96x128x3", "ninety"):
        with pytest.raises(ConfigError, match="For example 96x128"):
            parse_size(wrong)


def test_a_net_in_detail() -> None:
    shown = show_net("segnet", (32, 64))
    assert shown.summary.parameters == 3523
    assert shown.summary.input_shape == (1, 3, 32, 64)
    assert shown.effective is None
    assert shown.picture == Path("reports/models/segnet.png")
    assert Image.open(shown.picture).format == "PNG"


def test_options_with_defaults_and_what_was_chosen() -> None:
    shown = show_net("unet", (32, 32), assignments=("model.options.depth=2",))
    rows = {row.name: row for row in shown.options}
    depth, upsampling = rows["depth"], rows["upsampling"]
    assert (depth.value, depth.default, depth.allowed) == ("2", "4", "from 1 to 6")
    assert depth.about == "How often the image is halved"
    assert upsampling.default == "nearest"
    assert upsampling.allowed.startswith("transposed, nearest, bilinear")


class AllKinds(Section):
    needed: int
    share: float = Field(default=0.5, gt=0, lt=1)
    sides: tuple[int, ...] = (1, 2)
    on: bool = True
    limit: int | None = None


def test_options_of_every_kind() -> None:
    rows = show_model._option_rows(AllKinds(needed=3))
    assert [(row.name, row.value, row.allowed) for row in rows] == [
        ("needed", "3", ""),
        ("share", "0.5", "above 0 below 1"),
        ("sides", "1,2", ""),
        ("on", "true", "true, false"),
        ("limit", "null", ""),
    ]
    assert (rows[0].default, rows[1].default) == ("", "0.5")


def test_the_effective_field_is_of_the_runs_own_weights(eye: Path) -> None:
    net = build(ModelConfig(arch="segnet"), 3, VESSELS.count)
    with torch.no_grad():
        net.get_parameter("decode.weight").zero_()
    card = Card("segnet", {}, VESSELS, InputConfig(), PredictConfig(), dataset="eyes")
    save_weights(Path("runs/blind/train/best.safetensors"), net, card)
    blind, random = (show_net(name, (64, 64), photograph=eye).effective for name in ("runs/blind", "segnet"))
    assert blind is not None
    assert random is not None
    assert blind.side_holding(0.5) is None
    assert random.side_holding(1.0) in (3, 5, 7)
    assert Path("reports/models/runs-blind.png").is_file()


def test_the_window_is_cut_to_the_size_and_grown_to_the_field(eye: Path) -> None:
    small = ("model.options.depth=1", "model.options.width=2")  # sees 20 x 20
    for size, expected in [((32, 64), (32, 64)), ((8, 64), (20, 64)), ((4096, 4096), (136, 136))]:
        field = show_net("unet", (8, 8), assignments=small).summary.receptive_field
        net = show_model.find_net("unet", assignments=small)
        tensor, window = show_model._middle_of(eye, net, size, field)
        # Of the photograph only the box around its field of view counts, 135 or so pixels wide.
        assert window.shape[:2] == pytest.approx(expected, abs=2)
        assert tensor.shape == (3, *window.shape[:2])
        assert not window.shape[0] % 2
        assert not window.shape[1] % 2


def test_the_window_is_the_middle_of_the_photograph(tmp_path: Path) -> None:
    # Every pixel tells where it is; there is no border to be seen, so all of it is the field of view.
    rows, columns = np.mgrid[:120, :160]
    Image.fromarray(np.stack([rows + 60, columns + 60, 0 * rows + 200], 2).astype(np.uint8)).save("ramp.png")
    net = show_model.find_net("segnet", assignments=("input.normalise=unit", "input.crop=false"))
    tensor, window = show_model._middle_of(tmp_path / "ramp.png", net, (20, 40), (6, 6))
    assert window[0, 0].tolist() == [50 + 60, 60 + 60, 200]
    assert window.shape == (20, 40, 3)
    np.testing.assert_allclose(tensor[:, 0, 0].numpy(), np.array([110, 120, 200]) / 255, rtol=1e-6)
    grey = show_model.find_net("segnet", channels=1, assignments=("input.normalise=unit", "input.crop=false"))
    assert float(show_model._middle_of(tmp_path / "ramp.png", grey, (20, 40), (6, 6))[0][0, 0, 0]) == pytest.approx(
        430 / 3 / 255
    )


def test_a_net_of_ones_own_gets_the_very_size(eye: Path, tmp_path: Path) -> None:
    (tmp_path / "my_show.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Conv2d):\n"
        "    def __init__(self): super().__init__(3, 2, 3, padding=1)\n"
        "    def forward(self, image):\n"
        "        assert image.shape[2:] == (200, 30)\n"
        "        return super().forward(image)\n"
    )
    shown = show_net("my_show:Net", (200, 30), photograph=eye)
    assert shown.effective is not None
    assert shown.effective.heat.shape == (200, 30)
    assert shown.picture == Path("reports/models/my_show-Net.png")


def test_what_cannot_be_drawn(eye: Path) -> None:
    with pytest.raises(ConfigError, match="ends in .png"):
        show_net("segnet", (32, 32), out=Path("x.jpg"))
    with pytest.raises(ConfigError, match="the net takes 4"):
        show_net("segnet", (32, 32), channels=4, photograph=eye)
    with pytest.raises(InputError, match="none.png"):
        show_net("segnet", (32, 32), photograph=Path("none.png"))
    assert not Path("reports").exists()


def test_a_comparison_lists_what_cannot_be_built() -> None:
    heard: list[str] = []
    names = ["segnet", "nonsense", "unet"]
    rows, where = compare_nets(names, (32, 48), assignments=("model.options.depth=2",), device="cpu", done=heard.append)
    assert heard == [row.name for row in rows] == names
    assert "cpu" in where
    assert "thread" in where
    segnet, nonsense, unet = rows
    assert "depth" in segnet.reason  # it has no such option
    assert "unknown architecture 'nonsense'" in nonsense.reason
    assert unet.summary is not None
    assert unet.latency is not None
    assert unet.summary.input_shape == (1, 3, 32, 48)
    assert 0 < unet.latency.low <= unet.latency.median
    assert not unet.reason
