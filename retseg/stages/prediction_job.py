"""One prediction at work: photographs read, predicted and written, several at a time, each noted when it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retseg.core.errors import ImageError, InputError, RetsegError
from retseg.core.progress import progress
from retseg.core.types import BoolArray, Classes, OperatingPoint, Sample, UInt8Array
from retseg.imaging.fov import estimate_fov
from retseg.imaging.fundus_check import FUNDUS, NO_FUNDUS, Verdict, check_fundus
from retseg.imaging.io import read_image, read_label
from retseg.inference.config import PredictConfig
from retseg.postprocess.registry import choose
from retseg.stages.done import DoneList
from retseg.stages.failures import Failure, write_failures
from retseg.stages.flagged import Flag, counted, write_flagged
from retseg.stages.run_model import RunModel, open_predictor

if TYPE_CHECKING:
    import torch

    from retseg.inference.prediction import Prediction, Predicts
    from retseg.inference.writer import PredictionWriter

_MOST_STREAMS = 4
"""Photographs that a processor works on at a time, at most; each takes up to half a gigabyte."""

_Photograph = tuple[str, UInt8Array, BoolArray]


@dataclass(slots=True)
class PredictionJob:
    """Everything that one prediction needs.

    Attributes:
        model: The net, the nets or the method, with its card.
        config: How it is carried over a photograph.
        samples: The photographs.
        point: The threshold in force, where the task has a positive class.
        device: Where nets run; None for methods.
    """

    model: RunModel
    config: PredictConfig
    samples: list[Sample]
    point: OperatingPoint | None
    device: torch.device | None
    failures: dict[str, Failure] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=dict)
    seconds: float = 0.0

    def run(self, out: Path) -> dict[str, Any]:
        """Writes every photograph's files below `out`; returns what the manifest says of the prediction."""
        with DoneList(out) as done:
            entries = [entry for entry in done.earlier() if "id" in entry]
            earlier = {str(entry["id"]) for entry in entries}
            self.flags |= {str(entry["id"]): Flag(**entry["flag"]) for entry in entries if "flag" in entry}
            pending = [sample for sample in self.samples if sample.id not in earlier]
            with progress("Predicting", len(self.samples)) as bar:
                bar.skip(len(earlier))
                for identifier in self._written(pending, out):
                    flag = self.flags.get(identifier)
                    done.add({"id": identifier, **({"flag": asdict(flag)} if flag else {})})
                    bar.advance(1, identifier)
            if not earlier and len(self.failures) == len(self.samples):
                raise self._nothing_left()
        failures = [self.failures[sample.id] for sample in self.samples if sample.id in self.failures]
        write_failures(out, failures)
        flags = [self.flags[sample.id] for sample in self.samples if sample.id in self.flags]
        write_flagged(out, flags)
        runs = [str(member.run) for member in self.model.members]
        return {
            "run": str(self.model.run),
            **({"runs": runs} if len(runs) > 1 else {}),
            "card": self.model.card.to_json(),
            "threshold": self.point.to_json() if self.point else None,
            **self._separated(),
            "images": len(self.samples) - len(failures),
            "failures": len(failures),
            "flagged": counted(flags),
            # What an interrupted run had spent is not known, and half of it would only mislead.
            "net_seconds": None if earlier else round(self.seconds, 3),
        }

    def _separated(self) -> dict[str, str]:
        """How instances were told apart, where the task has things."""
        card = self.model.card
        return {"separation": choose(self.config.separation, card.heads).name} if card.classes.things else {}

    def _nothing_left(self) -> RetsegError:
        first = next(iter(self.failures.values()))
        if len(self.failures) == 1:
            return ImageError(first.reason.rstrip("."))
        return InputError(f"none of the {len(self.failures)} images can be used; the first: {first.reason.rstrip('.')}")

    def _written(self, samples: list[Sample], out: Path) -> Iterator[str]:
        """Ids of the photographs as their files are finished."""
        if not samples:
            return
        predictor, writer = self._tools(out)
        streams = _streams(self.device, len(samples))
        if streams > 1:
            yield from self._side_by_side(samples, predictor, writer, streams)
        else:
            yield from self._in_line(samples, predictor, writer)
        # What several streams took at the same time is counted once.
        self.seconds = predictor.seconds / streams

    def _in_line(self, samples: list[Sample], predictor: Predicts, writer: PredictionWriter) -> Iterator[str]:
        """One photograph is read, one is with the net and one is written at a time; at most two wait to be written."""
        with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as writing:
            waiting: deque[Future[str]] = deque()
            for prediction in predictor.probabilities_of_many(self._loaded(samples, reading)):
                waiting.append(writing.submit(_write, writer, self._claimed(prediction)))
                while len(waiting) > 2:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _side_by_side(
        self, samples: list[Sample], predictor: Predicts, writer: PredictionWriter, streams: int
    ) -> Iterator[str]:
        """Each stream carries a photograph from file to files with its share of the processor's threads.

        Threads of one net wait for each other at every layer, and for those that read and write; streams never wait.
        """
        import torch

        threads = torch.get_num_threads()
        pool = ThreadPoolExecutor(streams, initializer=torch.set_num_threads, initargs=(threads // streams,))
        waiting: deque[Future[str | None]] = deque()
        try:
            for sample in samples:
                waiting.append(pool.submit(self._carried, sample, predictor, writer))
                if len(waiting) > 2 * streams and (done := waiting.popleft().result()) is not None:
                    yield done
            while waiting:
                if (done := waiting.popleft().result()) is not None:
                    yield done
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)

    def _carried(self, sample: Sample, predictor: Predicts, writer: PredictionWriter) -> str | None:
        """A photograph from file to files; None for one that cannot be used."""
        photograph = self._opened(sample, lambda: self._looked_at(sample))
        if photograph is None:
            return None
        (prediction,) = predictor.probabilities_of_many([photograph])
        return _write(writer, self._claimed(prediction))

    def _claimed(self, prediction: Prediction) -> Prediction:
        """The prediction; where the picture is certainly no fundus photograph, one that sees nothing in it."""
        flag = self.flags.get(prediction.id)
        if flag is None or flag.verdict != NO_FUNDUS:
            return prediction
        return prediction.of_nothing(self.model.card.classes)

    def _tools(self, out: Path) -> tuple[Predicts, PredictionWriter]:
        from retseg.inference.writer import PredictionWriter, write_operating_point

        weights = [member.weights for member in self.model.members]
        predictor = open_predictor(weights, self.config, self.device)
        threshold = self.point.threshold if self.point else None
        write_operating_point(out, self.point)
        separation = (self.config.separation, self.config.separation_options)
        writer = PredictionWriter(
            out,
            predictor.classes,
            threshold,
            all_classes=self.config.all_classes,
            separation=separation,
            specks=self.config.specks,
            gaps=self.config.gaps,
            uncertainty=self.config.uncertainty,
        )
        return predictor, writer

    def _loaded(self, samples: list[Sample], pool: ThreadPoolExecutor) -> Iterator[_Photograph]:
        """Photographs with their fields of view, one read ahead; a bad one is noted and passed over."""
        ahead: deque[tuple[Sample, Future[tuple[UInt8Array, BoolArray, Verdict]]]] = deque()
        rest = iter(samples)
        while True:
            while len(ahead) < 2 and (sample := next(rest, None)) is not None:
                ahead.append((sample, pool.submit(self._looked_at, sample)))
            if not ahead:
                return
            sample, future = ahead.popleft()
            if (photograph := self._opened(sample, future.result)) is not None:
                yield photograph

    def _opened(self, sample: Sample, read: Callable[[], tuple[UInt8Array, BoolArray, Verdict]]) -> _Photograph | None:
        """A photograph, read, with its verdict noted; None, and the reason noted, for one that cannot be used."""
        try:
            image, fov, verdict = read()
        except ImageError as error:
            self.failures[sample.id] = Failure(sample.id, str(sample.image), error.line)
            return None
        if verdict.level != FUNDUS:
            self.flags[sample.id] = Flag(sample.id, str(sample.image), verdict.level, "; ".join(verdict.reasons))
        return sample.id, image, fov

    def _looked_at(self, sample: Sample) -> tuple[UInt8Array, BoolArray, Verdict]:
        """A photograph, its field of view and what the check says; who gives a field of view has looked himself."""
        classes = self.model.card.classes
        image, fov = _load(sample, classes)
        wanted = self.config.check and sample.fov is None and classes.outside is not None
        return image, fov, check_fundus(image, fov) if wanted else Verdict()


def _streams(device: torch.device | None, photographs: int) -> int:
    """How many photographs are worked on at a time: on a processor several, with one or more of its threads each."""
    if device is None or device.type != "cpu":
        return 1
    import torch

    return min(torch.get_num_threads(), photographs, _MOST_STREAMS)


def _load(sample: Sample, classes: Classes) -> tuple[UInt8Array, BoolArray]:
    image = read_image(sample.image)
    if sample.fov is not None:
        return image, read_label(sample.fov) > 0
    if classes.outside is None:
        return image, np.ones(image.shape[:2], bool)
    try:
        return image, estimate_fov(image)
    except ImageError as error:
        raise ImageError(error.what, where=sample.image, fix=error.fix) from None


def _write(writer: PredictionWriter, prediction: Prediction) -> str:
    writer.write(prediction)
    return prediction.id
