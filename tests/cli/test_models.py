from __future__ import annotations

from pathlib import Path

from PIL import Image

from retseg.models.registry import MODELS
from tests.conftest import fundus

# Layers of the lecture's net for key points, see tests/models/test_summary.py, with and without its 1x1 convolution.
KEYPOINTS = """
from torch import nn

def layers(inputs, outputs, size, *more):
    return nn.Sequential(nn.Conv2d(inputs, outputs, size), nn.PReLU(), *more)

class Keypoints(nn.Sequential):
    def __init__(self, shrink=(), channels=128):
        super().__init__(
            layers(1, 32, 3, nn.MaxPool2d(2)), layers(32, 64, 3, nn.MaxPool2d(2)), layers(64, 64, 3, nn.MaxPool2d(2)),
            layers(64, 128, 2), *shrink, nn.Flatten(), nn.Linear(channels * 81, 256), nn.PReLU(), nn.Linear(256, 30),
        )

def narrow():
    return Keypoints([nn.Conv2d(128, 16, 1)], 16)
"""


def line(outcome, *parts):
    assert outcome.code == 2
    assert "Traceback" not in outcome.err + outcome.out
    (only,) = outcome.err.splitlines()
    for part in parts:
        assert part in only, only


def test_list_and_show(retseg, tmp_path):
    listed = retseg("models", "list").out
    assert "distance:" in listed
    assert "watershed:" in listed
    for name in MODELS.names():
        assert name in listed
    shown = retseg("models", "show", "segnet", "--size", 224)
    segnet = MODELS.get("segnet")
    assert segnet.about in " ".join(shown.out.split())
    assert segnet.card in " ".join(shown.out.split())
    assert segnet.citation in " ".join(shown.out.split())
    pixels = 224 * 224
    # 64 channels four times, of which pooling's are a quarter with 8 bytes more for indices, and three classes.
    activations = 4 * 64 * pixels * 3 + 12 * 64 * pixels // 4 + 4 * 3 * pixels
    for words in ("Parameters: 3,523", "Multiply-adds: 173,408,256", f"({activations:,} bytes)", "6 x 6 pixels"):
        assert words in shown.out
    assert "untrained" in shown.out
    assert shown.last_line == f"Drawn in {Path('reports/models/segnet.png')}"
    assert (tmp_path / "reports/models/segnet.png").is_file()


def test_options_and_where_to_draw(retseg, tmp_path):
    shown = retseg("models", "show", "unet", "--set", "model.options.depth=2", "--size", "32x48", "--out", "x/f.png")
    assert "How often the image is halved" in shown.out
    assert "Input: 3 x 32 x 48" in shown.out
    assert shown.last_line == f"Drawn in {Path('x/f.png')}"
    assert (tmp_path / "x/f.png").is_file()


def test_the_lectures_keypoint_nets(retseg, tmp_path):
    (tmp_path / "my_keypoints.py").write_text(KEYPOINTS)
    for name, parameters in [("Keypoints", "2,750,819"), ("narrow", "430,451")]:
        shown = retseg("models", "show", f"my_keypoints:{name}", "--size", 96, "--channels", 1)
        assert f"Parameters: {parameters}" in shown.out
        assert "no bound" in shown.out
    line(retseg("models", "show", "my_keypoints:narrow", "--size", 96), "images of 3 x 96 x 96", "1 channels")
    line(retseg("models", "show", "my_keypoints:narow"), "Did you mean narrow")


def test_the_effective_field_on_a_photograph(retseg, tmp_path):
    Image.fromarray(fundus(1, 120)).save(tmp_path / "eye.png")
    shown = retseg("models", "show", "segnet", "--size", 64, "--image", "eye.png").out
    assert "Effective receptive field in the middle 64 x 64 pixels of eye.png, weights untrained" in shown
    assert "50% of the gradient lies within" in shown
    assert "95% of the gradient lies within 5 x 5 pixels" in shown
    assert "summed over classes and input channels" in shown


def test_compare(retseg, monkeypatch):
    monkeypatch.setattr("retseg.stages.show_model.SECONDS", 0.0)
    compared = retseg("models", "show", "segnet", "nonsense", "unet", "--compare", "--size", 32, "--device", "cpu")
    assert compared.code == 0
    rows = {words[0]: words for words in map(str.split, compared.out.splitlines()) if words}
    assert rows["segnet"][1:3] == ["3,523", f"{32 * 32 * 9 * 64 * 6:,}"]
    assert rows["unet"][-4] == "204x204"
    assert rows["unet"][-2] == "ms"
    assert rows["nonsense"][1:3] == ["see", "below"]
    assert "nonsense: unknown architecture 'nonsense'" in compared.out
    assert "thread" in compared.out
    assert retseg("models", "show", "nonsense", "--compare").code == 1


def test_mistakes(retseg):
    line(retseg("models", "show", "sgnet"), "unknown architecture 'sgnet'", "segnet")
    line(retseg("models", "show", "segnet", "unet"), "2 nets were named", "--compare")
    line(retseg("models", "show", "segnet", "--size", 33), "multiples of 2", "to 34 x 34")
    line(retseg("models", "show", "unet", "--size", 8), "multiples of 16", "to 16 x 16")
    line(retseg("models", "show", "segnet", "--size", "big"), "a size is", "96x128")
    line(retseg("models", "show", "segnet", "--compare", "--out", "x.png"), "--out", "Leave them out")
    line(retseg("models", "show", "no_such_module:net"), "no module 'no_such_module'")
