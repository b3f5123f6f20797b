"""Decoded pictures, kept as far as there is room."""

from __future__ import annotations

import numpy as np

from trainer.data.pictures import decode

# Of all splits and tasks of a stage together: 512 MiB hold some 35,000 pictures of 64 pixels a side.
CACHE_BYTES = 2**29


class PictureCache:
    """Decodes a picture once while there is room, and the others anew each time they are asked for.

    An epoch asks for every picture once, in another order each time: what is left is as likely to be asked for next as what would
    push it out. Decoding gives the same array each time, so what is kept changes no training.
    """

    def __init__(self, side: int, max_bytes: int = CACHE_BYTES) -> None:
        self.side, self.max_bytes, self.num_bytes = side, max_bytes, 0
        self._kept: dict[bytes, np.ndarray] = {}

    def decoded(self, data: bytes) -> np.ndarray:
        """Returns uint8 (3, side, side), see `pictures.decode`. Raises OSError for bytes that are not a whole picture."""
        found = self._kept.get(data)
        return self._keep(data, decode(data, self.side)) if found is None else found

    def _keep(self, data: bytes, picture: np.ndarray) -> np.ndarray:
        size = len(data) + picture.nbytes
        if self.num_bytes + size <= self.max_bytes:
            self._kept[data] = picture
            self.num_bytes += size
        return picture
