"""The shipped net in different engines and precisions: how fast, and how far the Dice moves.

    python benchmarks/engines.py --run runs/weights-seed0
    python benchmarks/engines.py --run runs/weights-seed0 --threads 2

One whole working image at a time, without reading, scaling and writing; the engines take turns, the fastest of several
rounds counts. The Dice is that of the run's own validation photographs at its frozen threshold, on the working grid.
ONNX Runtime is measured where `onnx` and `onnxruntime` are installed, in eight bits with the ranges of two training
photographs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.core.errors import RetsegError
from retseg.datasets.prepared import PreparedSet
from retseg.inference.checkpoint import LoadedModel, load_weights
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.models.build import input_multiple
from retseg.models.config import ModelConfig
from retseg.stages.prepare import prepared_set
from retseg.stages.run_model import RunModel
from retseg.stages.settings import load_settings
from retseg.training.images import working_image

Engine = Callable[[Tensor], Tensor]
"""From a net's input (1, 3, H, W) float32 to logits (1, classes, H, W)."""

Example = tuple[Tensor, NDArray[np.bool_], NDArray[np.bool_]]
"""A net's input, and on the working grid what is vessel and what counts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--dataset", default="joined", help="the set it was trained on: its name or prepared folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    try:
        show(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


def show(arguments: argparse.Namespace) -> None:
    data = PreparedSet.open(prepared_set(load_settings({}, (), {"dataset.name": arguments.dataset})).folder)
    (member,) = RunModel.find(arguments.run, expect=data.classes).members
    model = load_weights(member.weights, torch.device("cpu"))
    model.net.eval().to(memory_format=torch.channels_last)
    validation = list(examples(model, data, model.card.validation_patients, None))
    ranges = [example[0] for example in examples(model, data, model.card.train_patients, 2)]
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        engines = dict(made(model.net, ranges, Path(folder), arguments.threads))
        first, times = validation[0][0], {name: [] for name in engines}
        for _ in range(arguments.rounds):
            for name, engine in engines.items():
                started = time.perf_counter()
                engine(first)
                times[name].append(time.perf_counter() - started)
        dice = {name: pooled_dice(model, engine, validation) for name, engine in engines.items()}
    plain = next(iter(engines))
    size = f"{first.shape[3]}x{first.shape[2]} pixels, {arguments.threads} thread(s)"
    print(f"| engine | ms for {size} | of `{plain}` | Dice on {len(validation)} validation photographs |")
    print("| --- | --- | --- | --- |")
    for name in engines:
        share = min(times[name]) / min(times[plain])
        print(f"| {name} | {1000 * min(times[name]):.0f} | {share:.2f} | {dice[name]:.4f} |")


def examples(model: LoadedModel, data: PreparedSet, patients: tuple[str, ...], limit: int | None) -> Iterator[Example]:
    """Inputs as in training, filled up to what the net's stride needs."""
    card = model.card
    multiple = input_multiple(ModelConfig(arch=card.arch, options=dict(card.options)))
    for sample in [one for one in data.samples if one.patient in patients][:limit]:
        working = working_image(data, sample, card.input)
        labels = working.targets[0].numpy()
        pixels = torch.from_numpy(working.image).permute(2, 0, 1).float() / 255
        pixels = (pixels - torch.tensor(working.mean).view(-1, 1, 1)) / torch.tensor(working.std).view(-1, 1, 1)
        height, width = pixels.shape[1:]
        filled = F.pad(pixels[None], (0, -width % multiple, 0, -height % multiple), mode="replicate")
        inside = (labels != card.classes.ignore) & (labels != card.classes.outside)
        yield filled.contiguous(memory_format=torch.channels_last), labels == card.classes.positive, inside


def pooled_dice(model: LoadedModel, engine: Engine, validation: list[Example]) -> float:
    card, total = model.card, ScoreHistogram.empty()
    assert card.operating_point is not None
    assert card.classes.positive is not None
    for picture, truth, inside in validation:
        found = engine(picture).float().softmax(1)[0, card.classes.positive].numpy()
        height, width = truth.shape
        total += score_histogram(quantise(found[:height, :width][inside]), truth[inside])
    return total.counts_at(card.operating_point.threshold).dice()


def made(net: nn.Module, ranges: list[Tensor], folder: Path, threads: int) -> Iterator[tuple[str, Engine]]:
    """The engines that this machine has, by name; the first is what the others are compared with."""
    yield "PyTorch, float32", net
    yield "PyTorch, bfloat16", in_bfloat16(net)
    yield "PyTorch, compiled, bfloat16", compiled(net, ranges[0])
    if not (find_spec("onnx") and find_spec("onnxruntime")):
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    path = folder / "net.onnx"
    sides = {2: "height", 3: "width"}
    torch.onnx.export(
        net, (ranges[0],), str(path), dynamo=False, input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": sides, "logits": sides}, opset_version=17,
    )  # fmt: skip
    yield "ONNX Runtime, float32", session(onnxruntime.InferenceSession(str(path), options))
    small = folder / "net8.onnx"
    in_eight_bits(path, small, ranges)
    yield "ONNX Runtime, int8", session(onnxruntime.InferenceSession(str(small), options))


def in_bfloat16(net: nn.Module) -> Engine:
    def run(picture: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            result: Tensor = net(picture)
        return result

    return run


def compiled(net: nn.Module, example: Tensor) -> Engine:
    ready = torch.compile(net, dynamic=True)
    run = in_bfloat16(ready)
    run(example)
    return run


def session(found: Any) -> Engine:
    def run(picture: Tensor) -> Tensor:
        return torch.from_numpy(found.run(None, {"image": picture.contiguous().numpy()})[0])

    return run


def in_eight_bits(source: Path, target: Path, ranges: list[Tensor]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Ranges(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rest = iter(ranges)

        def get_next(self) -> dict[str, Any] | None:
            one = next(self.rest, None)
            return None if one is None else {"image": one.contiguous().numpy()}

    quantize_static(str(source), str(target), Ranges(), quant_format=QuantFormat.QDQ, per_channel=True)


if __name__ == "__main__":
    main()
