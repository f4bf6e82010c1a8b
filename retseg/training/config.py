"""The sections `train`, `sampling` and `augment` of the configuration. The defaults are the default recipe."""

from __future__ import annotations

from typing import Annotated, Literal, Self

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
        optimiser: "adam", "adamw" (decay apart from the gradient), "muon" (steps along all directions of a layer's
            weights alike; AdamW for biases and the outer layers), or "sgd" (Nesterov momentum 0.9).
        lr: The highest learning rate.
        weight_decay: Decay of convolution and linear weights; biases and normalisations do not decay.
        schedule: How the learning rate goes on from `lr`. "constant"; "step": times `decay` after each of `stages`
            equal parts; "cosine": down to zero along half a cosine; "one-cycle": up from a 25th of `lr` in the first
            30% of the steps, then down to nearly zero, both along half a cosine; "cyclical": up and down in `cycles`
            triangles between a tenth of `lr` and `lr`.
        warmup: Share of all steps in which the learning rate rises linearly to `lr`; "one-cycle" and "cyclical" rise by
            themselves.
        stages: Equal parts of the training that "step" has.
        decay: What "step" multiplies the learning rate with after each part.
        cycles: Triangles of "cyclical".
        accumulate: Batches whose gradients are added up for one step of the optimiser.
        clip: The gradient is shortened to this length where it is longer; None never shortens it.
        early_stopping: End when the validation Dice has not risen for so many epochs; None never does.
        minutes: End after so many minutes of training, and fit the schedule into them; None sets no limit. The epochs
            that a training reaches then depend on the machine.
        start: Weights to begin with, instead of random ones: a run or a weights file. What does not fit (the last
            layer, when the classes differ) stays random and is named.
        encoder_weights: Weights for the encoder only: "imagenet" fetches the published ones, else a file of them, or a
            run of the same architecture.
        freeze_encoder_epochs: So many epochs train everything but the encoder; "all" never trains the encoder.
        frozen_lr: Highest learning rate while the encoder is frozen; None takes `lr`. Each part has its own schedule.
        encoder_lr: Highest learning rate of the encoder, once it is trained; None takes `lr`.
        overfit: Train on so many photographs, without augmentation or dropout and without validation, to see whether
            the net can learn them by heart; an error if it cannot.
        snapshots: After these epochs and the last one, what the net makes of a few photographs is kept as pictures.
        deterministic: Refuse operations whose result differs from run to run on this device, instead of a warning.
        ema: Decay of the exponential moving average of the weights that is scored and kept; 0 takes the weights alone.
        validation_fraction: Share of the training patients that is set aside to choose the epoch and the threshold:
            at least one patient where there are two or more. 0 sets none aside.
        validation_tiles: An epoch is scored on at most so many tiles of about 256x256 pixels, spread evenly over the
            validation images.
        keep: "best" keeps the weights of the epoch with the highest validation Dice, "last" those of the last epoch.
        threshold_on: Whom the threshold is fitted on: "validation" takes the patients set aside, "all" also those that
            set the weights: steadier where few are set aside and the net has not learnt by heart.
        class_weights: One weight per class, "balanced" (inverse to a class's share of the training pixels), or None.
        mixed_precision: "bf16" computes in bfloat16, where that is safe and the device does it by itself; "auto" does
            so on CUDA only, "off" never.
        test_curve: Also compute the loss on the test images, whole and resized to the patch size. It is a curve to look
            at; nothing is ever chosen by it.
    """

    epochs: int = Field(20, ge=1)
    steps_per_epoch: int | None = Field(25, ge=1)
    max_steps: int | None = Field(None, ge=1)
    batch: int = Field(16, ge=1)
    optimiser: Literal["adam", "adamw", "muon", "sgd"] = "adamw"
    lr: float = Field(3e-3, gt=0.0)
    weight_decay: float = Field(1e-2, ge=0.0)
    schedule: Literal["constant", "step", "cosine", "one-cycle", "cyclical"] = "cosine"
    warmup: float = Field(0.05, ge=0.0, lt=1.0)
    stages: int = Field(3, ge=1)
    decay: float = Field(0.1, gt=0.0, le=1.0)
    cycles: int = Field(4, ge=1)
    accumulate: int = Field(1, ge=1)
    clip: float | None = Field(None, gt=0.0)
    early_stopping: int | None = Field(None, ge=1)
    minutes: float | None = Field(None, gt=0.0)
    start: str | None = None
    encoder_weights: str | None = None
    freeze_encoder_epochs: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    frozen_lr: float | None = Field(None, gt=0.0)
    encoder_lr: float | None = Field(None, gt=0.0)
    overfit: int | None = Field(None, ge=1)
    snapshots: tuple[Annotated[int, Field(ge=1)], ...] = ()
    deterministic: bool = False
    ema: float = Field(0.0, ge=0.0, lt=1.0)
    validation_fraction: float = Field(0.15, ge=0.0, lt=1.0)
    validation_tiles: int = Field(32, ge=1)
    keep: Literal["best", "last"] = "best"
    threshold_on: Literal["validation", "all"] = "validation"
    class_weights: Literal["balanced"] | tuple[float, ...] | None = None
    mixed_precision: Literal["auto", "bf16", "off"] = "auto"
    test_curve: bool = False


class SamplingConfig(Section):
    """Which patches of the training images a net sees.

    Attributes:
        patch_size: Side of the square patches in pixels of the working grid, a multiple of what the net's stride needs.
        patch_share: The patch's area as a share of a training photograph's, instead of `patch_size`: 0.25 takes a
            quarter of it. The side is that of the median photograph, rounded to what the net's stride needs.
        patches_per_image: Patches that an epoch takes of each image; None leaves that to `train.steps_per_epoch`.
        fixed: Draw the positions once and use the same in every epoch, in another order, as the lecture does.
        balance: Share of the patches whose centre is put on a pixel of the positive class, or of a class drawn among
            those that occur where the task has no positive one. The others lie anywhere, each place equally likely.
    """

    patch_size: int = Field(128, ge=8, le=4096)
    patch_share: float | None = Field(None, gt=0.0, le=1.0)
    patches_per_image: int | None = Field(None, ge=1)
    fixed: bool = False
    balance: float = Field(0.5, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _fixed_patches_are_counted(self) -> Self:
        if self.fixed and self.patches_per_image is None:
            raise ValueError("fixed patches need patches_per_image, for example 30")
        return self


def _require_order(name: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{name} needs low <= high, not {low} and {high}")


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
        _require_order("scale", self.low, self.high)
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
        _require_order("gamma", self.low, self.high)
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


class Stretch(Section):
    """Making a patch's content longer along one of its sides than along the other, by a factor up to 1 + `amount`."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    amount: float = Field(0.1, ge=0.0, le=1.0)


class Illumination(Section):
    """Uneven light: the brightness times 1 + a smooth random surface, whose standard deviation is up to `amount`."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    amount: float = Field(0.25, ge=0.0, le=1.0)


class Mixing(Section):
    """Another camera's colours: to each of red, green and blue is added up to `amount` of every channel, or taken."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    amount: float = Field(0.25, ge=0.0, le=1.0)


class Sharpen(Section):
    """Adding up to `amount` times what a Gaussian blur of up to `sigma` pixels takes away, as cameras do."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    amount: float = Field(1.0, ge=0.0, le=5.0)
    sigma: float = Field(2.0, gt=0.0, le=5.0)


class Resolution(Section):
    """Shrinking by a factor of up to `factor` and enlarging again, so that the pixels stay and the detail is lost."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    factor: float = Field(2.5, ge=1.0, le=8.0)


class Jpeg(Section):
    """Storing as JPEG and reading again, with a quality between `low` and `high`, of which 100 is the best."""

    probability: float = Field(0.0, ge=0.0, le=1.0)
    low: int = Field(20, ge=1, le=100)
    high: int = Field(90, ge=1, le=100)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        _require_order("jpeg", self.low, self.high)
        return self


class Renormalise(Section):
    """Whether the input's mean and standard deviation follow the change of brightness, contrast and colour.

    They do for the share `probability` of the patches, as if the photograph had been taken like that and measured then.
    The others keep those of the photograph as it is, so that the net sees the change. "unit" inputs measure nothing.
    """

    probability: float = Field(0.0, ge=0.0, le=1.0)


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
    stretch: Stretch = Stretch()
    illumination: Illumination = Illumination()
    mixing: Mixing = Mixing()
    sharpen: Sharpen = Sharpen()
    resolution: Resolution = Resolution()
    jpeg: Jpeg = Jpeg()
    renormalise: Renormalise = Renormalise()
