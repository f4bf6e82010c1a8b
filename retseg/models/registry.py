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
        "naive": "retseg.models.naive:NAIVE",
        "basic": "retseg.models.basic:BASIC",
        "patch-cnn": "retseg.models.patch_cnn:PATCH_CNN",
        "fcn32s": "retseg.models.fcn:FCN32S",
        "fcn16s": "retseg.models.fcn:FCN16S",
        "fcn8s": "retseg.models.fcn:FCN8S",
        "segnet": "retseg.models.segnet:SEGNET",
        "segnet-vgg16": "retseg.models.segnet_vgg16:SEGNET_VGG16",
        "unet": "retseg.models.unet:UNET",
        "unet-tgs": "retseg.models.unet:UNET_TGS",
        "dilated": "retseg.models.dilated:DILATED",
        "resunet18": "retseg.models.resunet:RESUNET18",
        "resunet34": "retseg.models.resunet:RESUNET34",
        "resunet50": "retseg.models.resunet:RESUNET50",
        "mobilenet-unet": "retseg.models.mobilenet_unet:MOBILENET_UNET",
        "monai-unet": "retseg.models.monai_unet:MONAI_UNET",
        "attention-unet": "retseg.models.attention_unet:ATTENTION_UNET",
        "unetpp": "retseg.models.unetpp:UNETPP",
        "wnet": "retseg.models.wnet:WNET",
        "folded-unet": "retseg.models.folded_unet:FOLDED_UNET",
    },
)
