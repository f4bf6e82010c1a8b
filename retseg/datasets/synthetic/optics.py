"""From retina to file: uneven light, stray light, blur, sensor noise, sharpening and compression."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy.ndimage import gaussian_filter

from retseg.core.types import Float32Array, UInt8Array
from retseg.datasets.synthetic.texture import Noise, smooth_step
from retseg.datasets.synthetic.view import View


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one patient's photographs were taken. `blur` is in micrometres, `grain` in shares of full scale."""

    vignetting: float
    falloff: float
    veil: float
    blur: float
    pixel_blur: float
    grain: float
    grain_size: float
    sharpening: float
    rim_glare: float
    quality: int | None
    border: float


def draw_exposure(rng: Generator, quality: tuple[int, int] | None) -> Exposure:
    """Light, focus and camera settings; `quality` is the range of the JPEG quality, None for no JPEG."""
    return Exposure(
        vignetting=rng.uniform(0.05, 0.6),
        falloff=rng.uniform(1.8, 5.0),
        veil=rng.uniform(0.0, 0.22) ** 1.3,
        blur=float(np.exp(rng.uniform(np.log(3), np.log(11)))),
        pixel_blur=rng.uniform(0.35, 0.8),
        grain=float(np.exp(rng.uniform(np.log(0.003), np.log(0.016)))),
        grain_size=rng.uniform(0.0, 0.9),
        sharpening=rng.uniform(0.2, 0.9) if rng.random() < 0.4 else 0.0,
        rim_glare=rng.uniform(0.05, 0.3) if rng.random() < 0.3 else 0.0,
        quality=None if quality is None else int(rng.integers(quality[0], quality[1] + 1)),
        border=rng.uniform(0.0, 0.018) if rng.random() < 0.5 else 0.0,
    )


def lit(rng: Generator, scene: Float32Array, view: View, exposure: Exposure) -> Float32Array:
    """The scene under the camera's uneven light, with light that strays within the eye."""
    camera = view.camera
    reduce = max(1, int(camera.diameter / 130))
    height, width = (-(-side // reduce) for side in camera.shape)
    middle = (reduce - 1) / 2
    x = ((np.arange(width, dtype=np.float32) * reduce + middle - camera.centre[0]) / (camera.diameter / 2))[None, :]
    y = ((np.arange(height, dtype=np.float32) * reduce + middle - camera.centre[1]) / (camera.diameter / 2))[:, None]
    aim = rng.normal(0, 0.16, 2)
    far = np.hypot(x - np.float32(aim[0]), y - np.float32(aim[1]))
    tilt = rng.normal(0, 0.12, 2)
    light = 1 - exposure.vignetting * np.clip(far, 0, 1.6) ** exposure.falloff * 0.75
    light = light * (1 + tilt[0] * x + tilt[1] * y) * (1 + 0.07 * Noise(rng, 1.1).at(x + 0 * y, y + 0 * x))
    light *= 1 + rng.uniform(0, 0.25) * np.exp(-((far / 0.45) ** 2))
    light = np.clip(light, 0.06, None)
    # Dim parts of a photograph lose their red last.
    hues = np.stack([light ** rng.uniform(0.85, 1.15) for _ in range(3)], -1)
    glare = _glare(rng, x + 0 * y, y + 0 * x, exposure)
    veil = np.array([0.42, 0.27, 0.2], np.float32) * rng.uniform(0.7, 1.3, 3).astype(np.float32)
    result = np.empty_like(scene)
    for c in range(3):
        gain = view.enlarged(hues[..., c].astype(np.float32), reduce)
        added = view.enlarged(glare[..., c].astype(np.float32), reduce)
        result[..., c] = (
            scene[..., c] * np.float32(1 - exposure.veil) + np.float32(exposure.veil) * veil[c]
        ) * gain + added
    return result


def _glare(rng: Generator, x: Float32Array, y: Float32Array, exposure: Exposure) -> Float32Array:
    """Light that lids and lashes throw in from one side of the rim, and now and then a lens flare, (h, w, 3)."""
    side = rng.uniform(0, 2 * np.pi)
    toward = (x * np.float32(np.cos(side)) + y * np.float32(np.sin(side))).astype(np.float32)
    rim = smooth_step(np.hypot(x, y) + 0.35 * toward, rng.uniform(0.85, 1.1), 1.45)
    colour = np.array([0.7, 0.6, 0.6], np.float32) * rng.uniform(0.6, 1.3, 3).astype(np.float32)
    glare = exposure.rim_glare * rim[..., None] * colour
    if rng.random() < 0.12:
        at = rng.uniform(-0.8, 0.8, 2)
        spot = np.exp(-(((x - at[0]) ** 2 + (y - at[1]) ** 2) / rng.uniform(0.006, 0.05)))
        glare = glare + rng.uniform(0.05, 0.2) * spot[..., None] * rng.uniform(0.2, 1.0, 3)
    result: Float32Array = np.asarray(glare, np.float32)
    return result


def recorded(rng: Generator, scene: Float32Array, view: View, exposure: Exposure, inside: Float32Array) -> UInt8Array:
    """What the camera writes: blurred, masked to its round field, noisy, sharpened and compressed, (H, W, 3) uint8."""
    sigma = float(np.hypot(exposure.blur / view.um_per_pixel, exposure.pixel_blur))
    result = np.empty_like(scene)
    for c, spread in enumerate((1.25, 1.0, 1.1)):
        channel = gaussian_filter(scene[..., c], sigma * spread, mode="nearest", truncate=3.0)
        if exposure.sharpening:
            soft = gaussian_filter(channel, 1.6, mode="nearest", truncate=3.0)
            channel = channel + np.float32(exposure.sharpening) * (channel - soft)
        result[..., c] = _shoulder(channel)
    result += _grain(rng, result, exposure)
    result = result * inside[..., None] + np.float32(exposure.border) * (1 - inside[..., None])
    image = np.clip(result * 255 + 0.5, 0, 255).astype(np.uint8)
    return image if exposure.quality is None else _compressed(image, exposure.quality)


def _shoulder(values: Float32Array) -> Float32Array:
    """Highlights pressed together towards full scale, as a camera's response does."""
    knee = np.float32(0.8)
    above = np.maximum(values - knee, 0)
    pressed: Float32Array = np.minimum(values, knee) + (1 - knee) * np.tanh(above / (1 - knee))
    return np.maximum(pressed, 0)


def _grain(rng: Generator, image: Float32Array, exposure: Exposure) -> Float32Array:
    """Sensor noise: grows with the square root of the light, is partly shared between colours, and has a grain size."""
    shared = rng.standard_normal(image.shape[:2], dtype=np.float32)
    noise = np.empty_like(image)
    for c, strength in enumerate((0.9, 1.0, 1.5)):
        own = 0.6 * shared + 0.8 * rng.standard_normal(image.shape[:2], dtype=np.float32)
        if exposure.grain_size > 0.3:
            own = gaussian_filter(own, exposure.grain_size, truncate=3.0)
            own *= np.float32(1 / max(float(own[::7, ::7].std()), 1e-3))
        noise[..., c] = np.float32(exposure.grain * strength) * own * np.sqrt(image[..., c] * 1.5 + np.float32(0.1))
    return noise


def _compressed(image: UInt8Array, quality: int) -> UInt8Array:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as opened:
        return np.asarray(opened.convert("RGB"))
