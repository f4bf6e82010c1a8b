"""All sections of the configuration in one place, and the order in which their values are laid over each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from retseg.biomarkers.config import MeasureConfig
from retseg.core.config import Section, merge, nest, parse_assignments, read_yaml, validate
from retseg.core.errors import ConfigError, nearest
from retseg.datasets.config import DatasetConfig
from retseg.evaluation.config import EvaluateConfig
from retseg.imaging.config import InputConfig
from retseg.inference.config import PredictConfig
from retseg.losses.config import LossConfig
from retseg.methods.config import MethodConfig
from retseg.models.config import ModelConfig
from retseg.reporting.config import ReportConfig
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig
from retseg.training.recipes import RECIPES


class PrepareConfig(Section):
    """What `prepare` writes beside images, labels and fields of view."""

    tensors: bool = False
    tensor_patches: int = Field(default=30, ge=1)
    tensor_size: int = Field(default=224, ge=16)


class Settings(Section):
    """Everything that changes results. Each room owns its section; this class only gathers them."""

    seed: int = Field(default=0, ge=0)
    recipe: str = "default"
    dataset: DatasetConfig = DatasetConfig()
    prepare: PrepareConfig = PrepareConfig()
    input: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig()
    method: MethodConfig = MethodConfig()
    loss: LossConfig = LossConfig()
    train: TrainConfig = TrainConfig()
    sampling: SamplingConfig = SamplingConfig()
    augment: AugmentConfig = AugmentConfig()
    predict: PredictConfig = PredictConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    measure: MeasureConfig = MeasureConfig()
    report: ReportConfig = ReportConfig()

    def part(self, *sections: str) -> dict[str, Any]:
        """The named sections as JSON-ready data: the slice of the configuration that a stage's key depends on."""
        data = self.model_dump(mode="json")
        return {name: data[name] for name in sections}


PIPELINE_KEYS = ("name", "about", "budget", "runs")
"""Keys of a pipeline file that are not settings."""


def load_settings(
    config: Path | Mapping[str, Any] | None = None,
    assignments: Iterable[str] = (),
    shorthand: Mapping[str, Any] | None = None,
) -> Settings:
    """Defaults, then the recipe, then the YAML (or mapping), then `--set key=value`, then flags such as `--arch`.

    A recipe is a set of defaults, so everything a user writes down wins over it.
    """
    given: dict[str, Any] = {}
    if config is not None:
        content = read_yaml(config) if isinstance(config, Path) else config
        given = {key: value for key, value in content.items() if key not in PIPELINE_KEYS}
    given = merge(given, parse_assignments(assignments))
    for key, value in (shorthand or {}).items():
        if value is not None:
            given = merge(given, nest(key, value))
    name = given.get("recipe", Settings.model_fields["recipe"].default)
    if name not in RECIPES:
        raise ConfigError(f"unknown recipe '{name}'", fix=nearest(str(name), RECIPES))
    return validate(Settings, merge(RECIPES[name], given))
