"""What a net makes of a few photographs while it learns, kept as pictures after chosen epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from retseg.core.types import CLASS_MAP, UInt8Array
from retseg.models.architecture import outputs
from retseg.training.batches import Batches
from retseg.training.config import AugmentConfig
from retseg.training.images import TrainingImages
from retseg.training.sampling import Patches, cut
from retseg.training.snapshots import PHOTOGRAPH, SNAPSHOTS, TRUTH, draw_grid, epoch_name, write_snapshot

_MOST = 4
_SIDE = 256


class SnapshotTaker:
    """Takes pictures of the middle, at most about 256 x 256 pixels of the working grid, of the first four photographs.

    Args:
        images: The photographs.
        multiple: What the pictures' side must be a multiple of (the net's stride).
        out: The training's folder.
    """

    def __init__(self, images: TrainingImages, multiple: int, out: Path) -> None:
        self.images, self.out = images, out
        sizes = images.sizes[:_MOST]
        self.side = -(-min(_SIDE, int(sizes.max())) // multiple) * multiple
        self.middles = Patches(np.arange(len(sizes)), *((sizes - self.side) // 2).T)

    def take(self, net: nn.Module, epoch: int) -> None:
        """Keeps what the net makes of each photograph; leaves it in evaluation mode."""
        pictures, maps = cut(self.images, self.middles, self.side)
        classes = self.images.classes
        write_snapshot(self.out, PHOTOGRAPH, self._named(pictures))
        write_snapshot(self.out, TRUTH, self._named(torch.from_numpy(classes.palette)[maps[:, 0].cpu().long()]))
        write_snapshot(self.out, epoch_name(epoch), self._named(self._predicted(net)))

    def finish(self) -> list[int]:
        """Draws all pictures into one; the epochs that there are pictures of."""
        taken = sorted((self.out / SNAPSHOTS).glob("epoch-*"))
        draw_grid(self.out)
        return [int(folder.name.removeprefix("epoch-")) for folder in taken]

    def _predicted(self, net: nn.Module) -> Tensor:
        """(N, side, side) grey for the probability of the positive class, else (N, side, side, 3) class colours."""
        classes, found = self.images.classes, []
        source = Batches(self.images, AugmentConfig(), self.side, 0)
        net.eval()
        with torch.inference_mode():
            for index in range(len(self.middles)):
                image, _ = source.plain(self.middles[index : index + 1], self.side)
                found.append(outputs(net(image))[CLASS_MAP][:, : classes.count].float().softmax(1).cpu())
        probabilities = torch.cat(found)
        if classes.positive is not None:
            return (255 * probabilities[:, classes.positive]).round().to(torch.uint8)
        return torch.from_numpy(classes.palette)[probabilities.argmax(1)]

    def _named(self, pictures: Tensor) -> dict[str, UInt8Array]:
        """The pictures by photograph, without what lies beyond a small photograph's border."""
        named = {}
        for name, picture, (height, width) in zip(self.images.ids, pictures, self.images.sizes.tolist(), strict=False):
            rows, columns = (slice(max(0, (self.side - extent + 1) // 2), None) for extent in (height, width))
            named[name] = picture.cpu().numpy()[rows, columns][:height, :width]
        return named
