from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from retseg.core.config import Section
from retseg.core.errors import CheckpointError, ConfigError, InputError
from retseg.models.architecture import Architecture, PublishedEncoder
from retseg.models.encoder_weights import load_encoder, source_digest, weights_file
from retseg.models.mobilenet_unet import MOBILENET_UNET
from retseg.models.registry import MODELS
from retseg.models.resunet import RESUNET18, RESUNET34, RESUNET50
from retseg.models.segnet import SEGNET
from retseg.models.unet import UNET, UNetOptions
from tests.models.published import CLASSIFIER, made_up

Edit = Callable[[dict[str, Tensor]], object]


class Tiny(nn.Module):
    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(in_channels, 4, 3, bias=False), nn.BatchNorm2d(4))
        self.decoder = nn.Conv2d(4, classes, 1)


TINY = Architecture(
    name="tiny",
    options=Section,
    build=lambda in_channels, classes, options: Tiny(in_channels, classes),
    stride=lambda options: 1,
    fully_convolutional=True,
    about="",
    card="",
    citation="",
    encoder=("encoder.",),
    published=PublishedEncoder("https://example.org/tiny.pth", "00000000", 1, ("fc.",), "nobody"),
)


def published_tensors() -> dict[str, Tensor]:
    """As a publisher writes them: no prefix, and a classifier."""
    encoder = {name: tensor.clone() for name, tensor in Tiny(3, 3).encoder.state_dict().items()}
    return {**encoder, "fc.weight": torch.rand(10, 4), "fc.bias": torch.rand(10)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.pth"
    torch.save(published_tensors(), path)
    return path


def edited(path: Path, edit: Edit) -> Path:
    tensors = torch.load(path, weights_only=True)
    edit(tensors)
    torch.save(tensors, path)
    return path


@pytest.mark.parametrize(
    ("architecture", "name"),
    [(RESUNET18, "resnet18"), (RESUNET34, "resnet34"), (RESUNET50, "resnet50"), (MOBILENET_UNET, "mobilenet_v2")],
)
@pytest.mark.parametrize("counters", [True, False])
def test_a_file_with_exactly_the_published_names_loads_whole(
    architecture: Architecture, name: str, counters: bool, tmp_path: Path
) -> None:
    tensors = {k: v for k, v in made_up(name).items() if counters or not k.endswith("num_batches_tracked")}
    torch.save(tensors, tmp_path / f"{name}.pth")
    net = architecture.build(3, 3, architecture.options())
    taken = load_encoder(net, architecture, str(tmp_path / f"{name}.pth"))
    own = net.state_dict()
    assert set(taken.loaded) == {f"encoder.{k}" for k in tensors if not k.startswith(CLASSIFIER)}
    assert set(taken.unused) == {k for k in tensors if k.startswith(CLASSIFIER)}
    assert all(torch.equal(own[f"encoder.{k}"], v) for k, v in tensors.items() if not k.startswith(CLASSIFIER))
    assert taken.fresh
    assert all(k.startswith("decoder.") for k in taken.fresh)


def test_what_was_taken_is_told_in_one_line(file: Path) -> None:
    sentence = load_encoder(Tiny(3, 3), TINY, str(file)).sentence
    assert sentence == (
        "Weights taken over: 6 of 8 tensors. Fresh: decoder.weight, decoder.bias (not of the encoder). "
        "Not used: fc.weight, fc.bias."
    )


def test_safetensors_under_the_published_names_load_as_well(tmp_path: Path) -> None:
    tensors, net = published_tensors(), Tiny(3, 3)
    save_file(tensors, tmp_path / "tiny.safetensors")
    load_encoder(net, TINY, str(tmp_path / "tiny.safetensors"))
    assert torch.equal(net.encoder[0].weight, tensors["0.weight"])


@pytest.mark.parametrize("given", ["runs/hrf", "hrf", "runs/hrf/train", "runs/hrf/train/best.safetensors"])
def test_a_run_gives_its_encoder_and_keeps_its_decoder(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source, net = Tiny(3, 23), Tiny(3, 3)
    decoder = net.decoder.weight.clone()
    weights = Path("runs/hrf/train/best.safetensors")
    weights.parent.mkdir(parents=True)
    save_file(source.state_dict(), weights)
    taken = load_encoder(net, TINY, given)
    assert torch.equal(net.encoder[0].weight, source.encoder[0].weight)
    assert torch.equal(net.decoder.weight, decoder)
    assert len(taken.loaded) == 6
    assert weights_file(given) == weights
    assert source_digest(given, TINY) == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_a_net_without_published_weights_takes_those_of_a_run_too(tmp_path: Path) -> None:
    options = UNetOptions(depth=1, width=4)
    source, net = UNET.build(3, 5, options), UNET.build(3, 3, options)
    save_file(source.state_dict(), tmp_path / "best.safetensors")
    taken = load_encoder(net, UNET, str(tmp_path))
    assert {name.partition(".")[0] for name in taken.loaded} == {"down"}
    assert torch.equal(net.down[0].convolution1.weight, source.down[0].convolution1.weight)


def test_imagenet_is_fetched_into_the_cache_and_checked(file: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert TINY.published is not None
    offered = replace(TINY, published=replace(TINY.published, url=file.as_uri(), digest=digest[:8]))
    net = Tiny(3, 3)
    taken = load_encoder(net, offered, "imagenet", tmp_path / "cache")
    assert torch.equal(net.encoder[0].weight, torch.load(file, weights_only=True)["0.weight"])
    assert taken.unused == ("fc.weight", "fc.bias")
    assert (tmp_path / "cache" / "tiny.pth").is_file()
    assert source_digest("imagenet", offered) == digest[:8]


def drop(*names: str) -> Edit:
    return lambda tensors: [tensors.pop(name) for name in names]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (drop("0.weight"), r"1 missing \(0.weight\)"),
        (drop("1.weight", "1.bias", "1.running_mean", "1.running_var"), r"4 missing \(1.weight, .* and 1 more\)"),
        (lambda tensors: tensors.update({"2.weight": torch.ones(3)}), r"1 unexpected \(2.weight\)"),
        (lambda tensors: tensors.update({"1.bias": torch.ones(5)}), r"1 of another shape \(1.bias is 5 instead of 4\)"),
        (lambda tensors: tensors["1.bias"].fill_(torch.nan), r"1 not finite \(1.bias\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_taken(edit: Edit, message: str, file: Path) -> None:
    net = Tiny(3, 3)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with pytest.raises(CheckpointError, match=message) as caught:
        load_encoder(net, TINY, str(edited(file, edit)))
    assert "encoder of 'tiny'" in caught.value.line
    assert "https://example.org/tiny.pth" in caught.value.line
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_old_files_without_counters_of_updates_load(file: Path) -> None:
    taken = load_encoder(Tiny(3, 3), TINY, str(edited(file, drop("1.num_batches_tracked"))))
    assert len(taken.loaded) == 5


def test_other_input_channels_are_explained(file: Path) -> None:
    with pytest.raises(CheckpointError, match="for images of 3 channels, and the net takes 1") as caught:
        load_encoder(Tiny(1, 3), TINY, str(file))
    assert "0.weight" in caught.value.line
    assert "train without --encoder-weights" in caught.value.line


def test_a_run_of_another_net_is_refused(tmp_path: Path) -> None:
    save_file(Tiny(3, 3).state_dict(), tmp_path / "best.safetensors")
    with pytest.raises(CheckpointError, match="hold nothing of the encoder of 'unet'.*but .*encoder"):
        load_encoder(UNET.build(3, 3, UNetOptions(depth=1, width=4)), UNET, str(tmp_path))


class RunsCode:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("pickles-ran-code",))


def test_a_pickle_that_would_run_code_is_refused_and_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content in ({"0.weight": RunsCode()}, nn.Conv2d(3, 4, 3)):
        torch.save(content, "evil.pth")
        with pytest.raises(CheckpointError, match="more than tensors and could run code"):
            load_encoder(Tiny(3, 3), TINY, "evil.pth")
    assert not Path("pickles-ran-code").exists()


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>not found", b"junk" * 100, b"PK\x03\x04half"])
def test_files_that_are_no_weights_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match="corrupted or not"):
        load_encoder(Tiny(3, 3), TINY, str(tmp_path / name))


def test_a_checkpoint_with_more_than_the_table_of_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "model": published_tensors()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="no table of named tensors"):
        load_encoder(Tiny(3, 3), TINY, str(tmp_path / "w.pth"))


def test_what_is_not_there_or_no_weights_file_is_told(tmp_path: Path) -> None:
    for source, message in (("no/such/thing", "no such file or run"), (str(tmp_path), "holds no weights of a net")):
        with pytest.raises(InputError, match=message) as caught:
            load_encoder(Tiny(3, 3), TINY, source)
        assert "imagenet" in caught.value.line
    (tmp_path / "weights.h5").touch()
    with pytest.raises(InputError, match=r"\.pth, \.pt, \.safetensors"):
        load_encoder(Tiny(3, 3), TINY, str(tmp_path / "weights.h5"))


@pytest.fixture
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODELS, "_merged", {"segnet": "retseg.models.segnet:SEGNET", "unet": "retseg.models.unet:UNET"})
    MODELS._merged["resunet18"] = "retseg.models.resunet:RESUNET18"  # type: ignore[index]


@pytest.mark.usefixtures("few_models")
def test_nets_without_published_weights_name_those_that_have_them() -> None:
    net = UNET.build(3, 3, UNetOptions(depth=1, width=4))
    for ask in (lambda: load_encoder(net, UNET, "imagenet"), lambda: source_digest("imagenet", UNET)):
        with pytest.raises(ConfigError, match=r"no ImageNet weights are published .*'unet'.*\(resunet18\)"):
            ask()


@pytest.mark.usefixtures("few_models")
def test_a_net_without_an_encoder_names_those_that_have_one() -> None:
    with pytest.raises(ConfigError, match="'segnet' has no encoder.*: unet, resunet18"):
        load_encoder(SEGNET.build(3, 3, SEGNET.options()), SEGNET, "imagenet")
