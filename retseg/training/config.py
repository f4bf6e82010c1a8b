"""The sections `train`, `sampling` and `augment` of the configuration. The defaults are the default recipe."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from retseg.core.config import Section


class TrainConfig(Section):
    """How long, how fast and towards what a net is trained.

    Attributes:
        epochs: How often the score is taken and the state is saved; see `steps_per_epoch` for an epoch's length.
        steps_per_epoch: Steps of the optimiser in an epoch. None makes an epoch of `sampling.patches_per_image` patches
            of every image.
        max_steps: End after so many steps, even within an epoch; the schedule then fits into these. None sets no limit.
        batch: Patches in a step.
        optimiser: "adam", "adamw" (decay apart from the gradient), or "sgd" (Nesterov momentum 0.9).
        lr: The highest learning rate.
        weight_decay: Decay of convolution and linear weights; biases and normalisations do not decay.
        schedule: "constant", or "cosine": from `lr` down to zero along half a cosine.
        warmup: Share of all steps in which the learning rate rises linearly to `lr`.
        ema: Decay of the exponential moving average of the weights that is scored and kept; 0 takes the weights alone.
        validation_fraction: Share of the training patients that is set aside to choose the epoch and the threshold:
            at least one patient where there are two or more. 0 sets none aside.
        validation_tiles: An epoch is scored on at most so many tiles of about 256x256 pixels, spread evenly over the
            validation images.
        keep: "best" keeps the weights of the epoch with the highest validation Dice, "last" those of the last epoch.
        class_weights: One weight per class, "balanced" (inverse to a class's share of the training pixels), or None.
        mixed_precision: "bf16" computes in bfloat16 where that is safe, "off" never does, "auto" does on CUDA only.
        test_curve: Also compute the loss on the test images, whole and resized to the patch size. It is a curve to look
            at; nothing is ever chosen by it.
    """

    epochs: int = Field(20, ge=1)
    steps_per_epoch: int | None = Field(25, ge=1)
    max_steps: int | None = Field(None, ge=1)
    batch: int = Field(16, ge=1)
    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: float = Field(3e-3, gt=0.0)
    weight_decay: float = Field(1e-2, ge=0.0)
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup: float = Field(0.05, ge=0.0, lt=1.0)
    ema: float = Field(0.0, ge=0.0, lt=1.0)
    validation_fraction: float = Field(0.15, ge=0.0, lt=1.0)
    validation_tiles: int = Field(32, ge=1)
    keep: Literal["best", "last"] = "best"
    class_weights: Literal["balanced"] | tuple[float, ...] | None = None
    mixed_precision: Literal["auto", "bf16", "off"] = "auto"
    test_curve: bool = False


class SamplingConfig(Section):
    """Which patches of the training images a net sees.

    Attributes:
        patch_size: Side of the square patches in pixels of the working grid, a multiple of what the net's stride needs.
        patches_per_image: Patches that an epoch takes of each image; None leaves that to `train.steps_per_epoch`.
        fixed: Draw the positions once and use the same in every epoch, in another order, as the lecture does.
        balance: Share of the patches whose centre is put on a pixel of the positive class, or of a class drawn among
            those that occur where the task has no positive one. The others lie anywhere, each place equally likely.
    """

    patch_size: int = Field(128, ge=8, le=4096)
    patches_per_image: int | None = Field(None, ge=1)
    fixed: bool = False
    balance: float = Field(0.5, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _fixed_patches_are_counted(self) -> Self:
        if self.fixed and self.patches_per_image is None:
            raise ValueError("fixed patches need patches_per_image, for example 30")
        return self


class Flips(Section):
    """Probabilities of mirroring a patch left to right, top to bottom, and along its diagonal. Pixels stay exact."""

    horizontal: float = Field(0.5, ge=0.0, le=1.0)
    vertical: float = Field(0.5, ge=0.0, le=1.0)
    diagonal: float = Field(0.5, ge=0.0, le=1.0)


class Rotation(Section):
    """Turning a patch by an angle of up to `degrees` to either side."""

    probability: float = Field(0.3, ge=0.0, le=1.0)
    degrees: float = Field(45.0, ge=0.0, le=180.0)


class Scale(Section):
    """Enlarging a patch's content by a factor between `low` and `high`, drawn evenly on a logarithmic scale."""

    probability: float = Field(0.3, ge=0.0, le=1.0)
    low: float = Field(0.8, ge=0.25, le=4.0)
    high: float = Field(1.25, ge=0.25, le=4.0)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"scale needs low <= high, not {self.low} and {self.high}")
        return self


class Brightness(Section):
    """Adding up to `amount` to the brightness 0..1, or taking it away."""

    probability: float = Field(0.3, ge=0.0, le=1.0)
    amount: float = Field(0.1, ge=0.0, le=1.0)


class Contrast(Section):
    """Stretching the brightness about the patch's mean by a factor between 1 - `amount` and 1 + `amount`."""

    probability: float = Field(0.3, ge=0.0, le=1.0)
    amount: float = Field(0.25, ge=0.0, lt=1.0)


class Gamma(Section):
    """Raising the brightness 0..1 to a power between `low` and `high`, drawn evenly on a logarithmic scale."""

    probability: float = Field(0.3, ge=0.0, le=1.0)
    low: float = Field(0.75, gt=0.0, le=10.0)
    high: float = Field(1.33, gt=0.0, le=10.0)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"gamma needs low <= high, not {self.low} and {self.high}")
        return self


class Colour(Section):
    """Multiplying each of red, green and blue by its own factor between 1 - `amount` and 1 + `amount`."""

    probability: float = Field(0.3, ge=0.0, le=1.0)
    amount: float = Field(0.1, ge=0.0, lt=1.0)


class Blur(Section):
    """Blurring with a Gaussian of up to `sigma` pixels."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    sigma: float = Field(1.0, gt=0.0, le=5.0)


class Noise(Section):
    """Adding Gaussian noise with a standard deviation of up to `sigma` of the brightness 0..1."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    sigma: float = Field(0.03, gt=0.0, le=1.0)


class AugmentConfig(Section):
    """What is done to a patch before the net sees it; each transform by itself, with its own probability."""

    flips: Flips = Flips()
    rotation: Rotation = Rotation()
    scale: Scale = Scale()
    brightness: Brightness = Brightness()
    contrast: Contrast = Contrast()
    gamma: Gamma = Gamma()
    colour: Colour = Colour()
    blur: Blur = Blur()
    noise: Noise = Noise()
