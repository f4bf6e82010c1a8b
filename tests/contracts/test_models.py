"""What every registered architecture must do, whoever wrote it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.config import Section
from retseg.core.errors import ConfigError, InputError
from retseg.core.types import CLASS_MAP, Classes, ClassInfo
from retseg.imaging.config import InputConfig
from retseg.inference.card import Card
from retseg.inference.checkpoint import LoadedModel
from retseg.inference.config import PredictConfig
from retseg.inference.predictor import Predictor
from retseg.losses.deep import deeply_supervised
from retseg.models.architecture import Architecture, auxiliary, check_input_size, outputs
from retseg.models.build import build, input_multiple, resolve
from retseg.models.config import ModelConfig
from retseg.models.heads import HEADS, heads_of, split
from retseg.models.registry import MODELS
from retseg.models.summary import summarise_model

pytestmark = pytest.mark.parametrize("name", MODELS.names())


def make(name: str, in_channels: int = 3, classes: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(ModelConfig(arch=name), in_channels, classes)


def size(name: str, times: int = 1) -> int:
    """A multiple of the net's stride that is about 32 pixels, `times` over."""
    multiple = input_multiple(ModelConfig(arch=name))
    return multiple * max(1, 32 // multiple) * times


def images(name: str, batch: int = 2, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, channels, size(name), size(name, 2), generator=generator)


def logits(net: nn.Module, image: Tensor) -> Tensor:
    return outputs(net(image))[CLASS_MAP]


def test_describes_itself(name: str) -> None:
    architecture = MODELS.get(name)
    assert isinstance(architecture, Architecture)
    assert architecture.name == name
    assert issubclass(architecture.options, Section)
    assert len(architecture.about) > 20
    assert len(architecture.card) > 200, "a paragraph for whoever chooses a net"
    assert len(architecture.citation) > 20


def test_its_encoder_is_a_part_of_it(name: str) -> None:
    names = list(make(name).state_dict())
    encoder = [one for one in names if one.startswith(MODELS.get(name).encoder or ("no prefix",))]
    assert len(encoder) < len(names)
    for prefix in MODELS.get(name).encoder:
        assert any(one.startswith(prefix) for one in names), prefix


@pytest.mark.parametrize(("channels", "classes"), [(3, 3), (1, 2), (4, 23), (5, 7), (2, 1)])
def test_gives_logits_of_every_class_at_every_pixel(name: str, channels: int, classes: int) -> None:
    image = images(name, channels=channels)
    result = logits(make(name, channels, classes), image)
    assert result.shape == (2, classes, *image.shape[2:])
    assert result.dtype == torch.float32
    assert bool(result.isfinite().all())
    assert bool((result < 0).any()), "logits, not probabilities"


def test_has_the_heads_that_are_asked_for(name: str) -> None:
    config = ModelConfig(arch=name, heads=tuple(HEADS.names()))
    net, image = build(config, 3, 4), images(name)
    with torch.no_grad():
        found, further = split(net.eval()(image), 4, heads_of(config))
    assert further == []
    assert set(found) == {CLASS_MAP, *HEADS.names()}
    assert found[CLASS_MAP].shape == (2, 4, *image.shape[2:])
    for head in heads_of(config):
        assert found[head.name].shape == (2, head.channels, *image.shape[2:])
        assert bool(head.activation(found[head.name]).isfinite().all())
    with torch.no_grad():
        assert all(each.shape[1] == 4 for each in split(net.train()(image), 4, heads_of(config))[1])


def test_takes_the_smallest_size_it_promises(name: str) -> None:
    multiple = input_multiple(ModelConfig(arch=name))
    net = make(name).eval()
    assert logits(net, torch.rand(1, 3, multiple, multiple)).shape == (1, 3, multiple, multiple)
    assert logits(net, torch.rand(1, 3, multiple, 3 * multiple)).shape == (1, 3, multiple, 3 * multiple)


@pytest.mark.parametrize("shape", [(37, 53), (200, 41), (5, 7)])
def test_predicts_photographs_of_any_size(name: str, shape: tuple[int, int]) -> None:
    _, options = resolve(ModelConfig(arch=name))
    classes = Classes("any", tuple(ClassInfo(f"class {i}", (i, i, i)) for i in range(3)))
    card = Card(
        name, options.model_dump(), classes, InputConfig(normalise="unit", crop=False), PredictConfig(window=64)
    )
    image = torch.randint(0, 255, (*shape, 3), generator=torch.Generator().manual_seed(1)).byte().numpy()
    predictor = Predictor(LoadedModel(make(name), card), card.predict, torch.device("cpu"))
    probabilities = predictor.probabilities(image, np.ones(shape, bool))
    assert probabilities.shape == (3, *shape)
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(0), 1, atol=1e-4)


def test_training_and_evaluation_differ_only_in_normalisation_dropout_and_further_predictions(name: str) -> None:
    net, image = make(name), images(name)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.modules.dropout._DropoutNd):
            module.eval()
            module.train = lambda mode=True: None  # type: ignore[assignment,misc,return-value]
    with torch.no_grad():
        trained, evaluated = net.train()(image), net.eval()(image)
    assert auxiliary(evaluated) == []
    torch.testing.assert_close(outputs(trained)[CLASS_MAP], outputs(evaluated)[CLASS_MAP], atol=1e-5, rtol=1e-5)


def test_gradients_reach_every_parameter(name: str) -> None:
    net = make(name).train()
    image = images(name)
    result = net(image)
    truth = torch.randint(0, 3, (2, *image.shape[2:]))
    predictions = [outputs(result)[CLASS_MAP], *auxiliary(result)]
    deeply_supervised(lambda found, target: F.cross_entropy(found, target), predictions, truth, 0.5).backward()
    for parameter_name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {parameter_name}"
        assert bool(parameter.grad.isfinite().all()), parameter_name
        # A bias in front of a normalisation has the gradient 0; a weight that has it can never learn.
        if parameter.ndim >= 2:
            assert bool(parameter.grad.abs().sum() > 0), f"the gradient of {parameter_name} is 0"


def test_the_seed_decides_the_weights(name: str) -> None:
    first, same, other = make(name, seed=4), make(name, seed=4), make(name, seed=5)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_images_of_a_batch_do_not_meet(name: str) -> None:
    net, image = make(name).eval(), images(name, batch=3)
    with torch.no_grad():
        together = logits(net, image)
        alone = torch.cat([logits(net, one[None]) for one in image])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_leaves_its_input_as_it_was(name: str) -> None:
    net, image = make(name).eval(), images(name)
    before = image.clone()
    with torch.no_grad():
        net(image)
    assert torch.equal(image, before)


def test_survives_saving_and_loading(name: str, tmp_path: Path) -> None:
    net, image = make(name, seed=2).train(), images(name)
    logits(net, image)  # so that running statistics, if any, are not those of a new net
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    copy = make(name, seed=3)
    copy.load_state_dict(load_file(tmp_path / "net.safetensors"))
    with torch.no_grad():
        assert torch.equal(logits(net.eval(), image), logits(copy.eval(), image))


def test_can_be_exported(name: str) -> None:
    net, image = make(name).eval(), images(name)
    batch = torch.export.Dim("batch")
    program = torch.export.export(net, (image,), dynamic_shapes=({0: batch},))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    again = torch.export.load(file).module()
    more = images(name, batch=5)
    with torch.no_grad():
        torch.testing.assert_close(logits(again, more), logits(net, more), atol=1e-5, rtol=1e-5)


def test_mixed_precision_moves_probabilities_by_less_than_a_fiftieth(name: str) -> None:
    net, image = make(name).eval(), images(name)
    with torch.no_grad():
        exact = logits(net, image).softmax(1)
        with torch.autocast("cpu", torch.bfloat16):
            rough = logits(net, image)
    assert float((rough.float().softmax(1) - exact).abs().max()) < 0.02


def test_an_unknown_option_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match="unknown configuration key 'no_such_option'") as caught:
        resolve(ModelConfig(arch=name, options={"no_such_option": 1}))
    for known in MODELS.get(name).options.model_fields:
        assert known in caught.value.line


def test_no_channels_or_classes_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="input channels"):
        build(ModelConfig(arch=name), 0, 3)
    with pytest.raises(ConfigError, match="classes"):
        build(ModelConfig(arch=name), 3, 0)


def test_a_size_that_does_not_fit_is_refused_with_the_padding_that_mends_it(name: str) -> None:
    architecture, options = resolve(ModelConfig(arch=name))
    stride = architecture.stride(options)
    check_input_size(architecture, options, 2 * stride, 5 * stride)
    if stride > 1:
        with pytest.raises(InputError, match=f"Pad 1 rows and {stride - 1} columns, to {stride} x {2 * stride}"):
            check_input_size(architecture, options, stride - 1, stride + 1)


def test_its_summary_adds_up(name: str) -> None:
    summary = summarise_model(ModelConfig(arch=name), 3, 3, size(name), size(name, 2))
    assert summary.output_shapes[CLASS_MAP] == (1, 3, size(name), size(name, 2))
    assert summary.parameters == sum(row.parameters for row in summary.rows)
    assert summary.parameters == sum(parameter.numel() for parameter in make(name).parameters())
    assert summary.multiply_adds > 0
    assert summary.training_bytes > summary.inference_bytes > 4 * summary.parameters
    assert summary.receptive_field is not None
    assert min(summary.receptive_field) >= 3
