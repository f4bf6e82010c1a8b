"""The architectures that can be asked for by name. Importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retseg.core.registry import Registry

if TYPE_CHECKING:
    from retseg.models.architecture import Architecture

MODELS: Registry[Architecture] = Registry(
    "architecture",
    "retseg.models",
    {
        "segnet": "retseg.models.segnet:SEGNET",
        "unet": "retseg.models.unet:UNET",
        "monai-unet": "retseg.models.monai_unet:MONAI_UNET",
    },
)
