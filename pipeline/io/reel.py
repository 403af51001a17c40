"""Frames that wait on disk while a clip of them is made: appended one after the other, read as one array."""

from __future__ import annotations

import errno
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from pipeline.errors import StoreError

Array = np.ndarray[Any, Any]


class Reel:
    """Frames of one shape and type. They lie in a nameless file in `folder`, whose room the disk has back when the reel and
    what was read from it are gone."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, TemporaryFile(dir=folder)  # noqa: SIM115 (it lives as long as the reel)
        self._frames, self._shape, self._dtype = 0, (), np.dtype(np.float32)

    def add(self, frames: Array) -> None:
        """Append (N, ...) frames. Raises StoreError when the disk is full, ValueError for frames of another kind."""
        if not self._frames:
            self._shape, self._dtype = frames.shape[1:], frames.dtype
        if (frames.shape[1:], frames.dtype) != (self._shape, self._dtype):
            raise ValueError(f"frames are {frames.shape[1:]} {frames.dtype}, must be {self._shape} {self._dtype}")
        try:
            self._file.write(np.ascontiguousarray(frames).data)
            self._file.flush()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StoreError(f"{self._folder}: no space left for a clip's frames. Free some and run again.") from error
        self._frames += len(frames)

    def array(self) -> Array:
        """All frames so far, (F, ...), read from disk where they are looked at; not to be written to."""
        shape = (self._frames, *self._shape)
        if not np.prod(shape):
            return np.zeros(shape, self._dtype)
        return np.asarray(np.memmap(self._file, self._dtype, "r", shape=shape))
