"""Classifies the middle of a window, pixel by pixel, as early papers did; and all windows at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from retseg.models.architecture import Architecture
from retseg.models.convolutions import PlainNetOptions, activation, gain, initialise

_POOL = 2


class PatchCnnOptions(PlainNetOptions):
    """What can be chosen about the net that looks through a window."""

    window: int = Field(default=29, ge=2, le=255, description="Side in pixels of the window around the judged pixel")
    kernel: int = Field(default=4, ge=2, le=15, description="Side in pixels of every convolution's filters")
    widths: tuple[Annotated[int, Field(ge=2, le=1024)], ...] = Field(
        default=(16, 24, 32),
        min_length=1,
        max_length=6,
        description="Filters of each convolution; 2x2 pooling follows each",
    )
    hidden: int = Field(default=64, ge=1, le=4096, description="Neurons of the first fully connected layer")
    normalisation: Literal["weights", "none"] = Field(
        default="weights",
        description="Filters of mean 0 and a learned length (weights), or as in the papers (none); nothing that "
        "would mix windows",
    )

    @model_validator(mode="after")
    def _something_is_left_of_the_window(self) -> Self:
        if remaining(self) < 1:
            smallest = 1
            for _ in self.widths:
                smallest = _POOL * smallest + self.kernel - 1
            raise ValueError(
                f"{len(self.widths)} convolutions of {self.kernel}x{self.kernel}, each with pooling, need a window of "
                f"at least {smallest}, not {self.window}"
            )
        return self


def remaining(options: PatchCnnOptions) -> int:
    """Side of what convolutions and pooling leave of a window: what the fully connected layer gets to see."""
    side = options.window
    for _ in options.widths:
        side = (side - options.kernel + 1) // _POOL
    return side


class _Filters(nn.Conv2d):
    """A convolution that can be read with gaps (`forward`) and without (`filters`), and may be standardised."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, dilation: int, options: PatchCnnOptions
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation=dilation)
        initialise(self, options.initialisation, options.activation)
        self.length = None
        # Without any normalisation the mean of an image drowns its differences, and training takes long to start.
        # Normalising the filters instead of the features leaves every window to itself (Qiao et al. 2019; with a
        # learned length Brock et al. 2021).
        if options.normalisation == "weights":
            self.length = nn.Parameter(torch.full((out_channels, 1, 1, 1), gain(options.activation)))

    def filters(self) -> Tensor:
        """The weights (out_channels, in_channels, kernel, kernel) as they are used."""
        if self.length is None:
            return self.weight
        centred = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return self.length * centred / (centred.square().sum((1, 2, 3), keepdim=True) + 1e-12).sqrt()

    def forward(self, features: Tensor) -> Tensor:
        """The answers of the filters, whose points lie `dilation` pixels apart."""
        return F.conv2d(features, self.filters(), self.bias, dilation=self.dilation)


class _Stage(nn.Module):
    """Convolution, activation and 2x2 pooling, for all windows at once (`forward`) or for separate ones (`judge`)."""

    def __init__(self, in_channels: int, out_channels: int, gap: int, options: PatchCnnOptions) -> None:
        super().__init__()
        self.convolution = _Filters(in_channels, out_channels, options.kernel, gap, options)
        self.activation = activation(options.activation)
        self.pool = nn.MaxPool2d(_POOL, stride=1, dilation=gap)

    def forward(self, features: Tensor) -> Tensor:
        """Keeps the pixels' distance: neither convolution nor pooling skips one."""
        pooled: Tensor = self.pool(self.activation(self.convolution(features)))
        return pooled

    def judge(self, windows: Tensor) -> Tensor:
        """The same on windows of their own, half as large afterwards."""
        convolved = F.conv2d(windows, self.convolution.filters(), self.convolution.bias)
        return F.max_pool2d(self.activation(convolved), _POOL)


class PatchCnn(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, classes, H, W) of any size: a judgement of every pixel's window.

    The layers hold the weights of the net that judges one window (`judge`). `forward` judges all windows of an image
    at once and shares what they have in common: pooling moves on by one pixel instead of two, and the layers behind it
    leave gaps between the pixels that they read, twice as far apart after every pooling.
    """

    def __init__(self, in_channels: int, classes: int, options: PatchCnnOptions) -> None:
        super().__init__()
        self.window = options.window
        self.stages = nn.Sequential(
            *(
                _Stage(source, width, _POOL**level, options)
                for level, (source, width) in enumerate(pairwise([in_channels, *options.widths]))
            )
        )
        gap = _POOL ** len(options.widths)
        self.hidden = _Filters(options.widths[-1], options.hidden, remaining(options), gap, options)
        self.activation = activation(options.activation)
        self.classify = nn.Conv2d(options.hidden, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of every class at every pixel."""
        height, width = image.shape[2:]
        logits: Tensor = self.classify(self.activation(self.hidden(self.stages(self._surrounded(image)))))
        # Where pooling does not come out even, a window's last rows and columns are not looked at.
        return logits[:, :, :height, :width]

    def judge(self, windows: Tensor) -> Tensor:
        """Logits (N, classes) of the middle pixels of windows (N, in_channels, window, window)."""
        features = windows
        for stage in self.stages:
            assert isinstance(stage, _Stage)
            features = stage.judge(features)
        hidden = F.linear(features.flatten(1), self.hidden.filters().flatten(1), self.hidden.bias)
        return F.linear(self.activation(hidden), self.classify.weight.flatten(1), self.classify.bias)

    def windows(self, image: Tensor) -> Tensor:
        """The window around every pixel of images (B, C, H, W), as a view (B, H, W, C, window, window)."""
        surrounded = self._surrounded(image)
        return surrounded.unfold(2, self.window, 1).unfold(3, self.window, 1).permute(0, 2, 3, 1, 4, 5)

    def window_by_window(self, image: Tensor, batch: int = 256) -> Tensor:
        """What `forward` returns, the naive way: cuts out every pixel's window and judges them, `batch` at a time."""
        windows = self.windows(image)
        count, height, width = windows.shape[:3]
        # A view of all windows takes no memory, so each batch is copied only when it is its turn.
        pixels = torch.arange(count * height * width, device=image.device).split(batch)
        judged = [self.judge(windows[p // (height * width), p // width % height, p % width]) for p in pixels]
        return torch.cat(judged).view(count, height, width, -1).movedim(3, 1)

    def _surrounded(self, image: Tensor) -> Tensor:
        """The image with its border pixels repeated outwards until a window fits around every pixel."""
        before, behind = (self.window - 1) // 2, self.window // 2
        return F.pad(image, (before, behind, before, behind), mode="replicate")


def _build(in_channels: int, classes: int, options: PatchCnnOptions) -> nn.Module:
    return PatchCnn(in_channels, classes, options)


def _stride(options: PatchCnnOptions) -> int:
    return 1


PATCH_CNN = Architecture(
    name="patch-cnn",
    options=PatchCnnOptions,
    build=_build,
    stride=_stride,
    fully_convolutional=True,
    about="Judges each pixel by a small window around it, as sliding-window nets did; computed for all pixels at once.",
    card="A classifier in the manner of the first vessel nets: convolutions and pooling shrink a window of 29 x 29 "
    "pixels, and fully connected layers say what its middle is. Cutting out a window for every pixel computes the same "
    "things again and again, so it runs as the fully convolutional net that gives the same numbers. So it does in "
    "training: the mean loss over a region's pixels and its gradient are those of the classifier over all windows of "
    "that region, which is training on patches, neighbours in one batch; past the rim of a crop a window sees the "
    "border pixels repeated. What keeps training steady normalises filters, not features, which would mix windows. It "
    "knows nothing beyond its window, and pooling blurs where exactly in it a thin vessel lies.",
    encoder=("stages.",),
    citation="Ciresan et al., 'Deep Neural Networks Segment Neuronal Membranes in Electron Microscopy Images', NIPS "
    "2012; for vessels Liskowski and Krawiec, 'Segmenting Retinal Blood Vessels With Deep Neural Networks', IEEE TMI "
    "35(11), 2016; as one net Sermanet et al., 'OverFeat', ICLR 2014",
)
