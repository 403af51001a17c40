"""What the routes ask: the footage of a version, its views, proxies and stills, by shot and version alone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.screening.media.footage import Footage
from pipeline.screening.media.proxies import Proxies, Proxy
from pipeline.screening.media.stills import Still, Stills
from pipeline.screening.media.views import View, views_of
from pipeline.screening.shows import LOOK_AGAIN_S

Find = Callable[[str, int], Footage]  # raises LookupError for a shot or version that the show does not have
_MOST_THUMBNAILS = 2000  # in memory, some 20 kB each
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG. name: tells its content; looked: when its frame was looked at, seconds, monotonic."""

    name: str
    data: bytes
    looked: float


class Desk:
    """The media of one show. find: how a version is found; cache: a folder of ours, BUILD/_review.

    Addresses never become paths: a shot, a version, a view is looked up among what there is, and LookupError is raised
    for anything else.
    """

    def __init__(self, find: Find, cache: Path) -> None:
        self._find = find
        self.proxies, self.stills = Proxies(cache), Stills(cache)
        self._views: dict[tuple[str, int], tuple[str, tuple[View, ...]]] = {}
        self._thumbnails: dict[tuple[str, int], Thumbnail] = {}
        self._lock = threading.Lock()

    def footage(self, shot: str, version: int) -> Footage:
        if not _NAME.fullmatch(shot):
            raise LookupError(f"there is no shot {shot!r} in this show.")
        try:
            return self._find(shot, version)
        except StoreError as error:
            raise LookupError(str(error)) from error

    def views(self, footage: Footage) -> tuple[View, ...]:
        """The views of a version; read once for as long as its first frame stays the same."""
        first = footage.comp.path(footage.frames.first)
        try:
            state = f"{first}:{first.stat().st_mtime_ns}:{footage.plate is None}"
        except OSError:
            state = "missing"
        key = (footage.shot, footage.version)
        with self._lock:
            known = self._views.get(key)
        if known is None or known[0] != state:
            known = (state, views_of(footage))
            with self._lock:
                self._views[key] = known
        return known[1]

    def viewed(self, shot: str, version: int, view: str) -> Footage:
        """The footage, when it has that view."""
        footage = self.footage(shot, version)
        if view not in (known.name for known in self.views(footage)):
            raise LookupError(f"{shot} v{version:03d} has no view {view[:100]!r}.")
        return footage

    def proxy(self, shot: str, version: int, view: str) -> Proxy:
        """How the proxy stands; one that is missing is begun."""
        return self.proxies.want(self.viewed(shot, version, view), view)

    def movie(self, shot: str, version: int, name: str) -> Path:
        """The file of a finished proxy by its name, VIEW.KEY.mp4: of the frames as they are now, and no other."""
        view = name.removesuffix(".mp4").rpartition(".")[0]
        file = self.proxies.file(self.viewed(shot, version, view), view)
        if file.name != name or not file.is_file():
            raise LookupError(f"{name[:100]!r} is no proxy of {shot} v{version:03d} as it is now. Load the page again.")
        return file

    def framed(self, shot: str, version: int, still: Still) -> Footage:
        """The footage, when it has that view and frame."""
        footage = self.viewed(shot, version, still.view)
        if still.frame not in footage.frames:
            raise LookupError(f"{shot} v{version:03d} has frames {footage.frames}, not {still.frame}.")
        return footage

    def thumbnail(self, shot: str, version: int) -> Thumbnail:
        """Of the version's middle frame as it is now; made when there is none yet."""
        looked = time.monotonic()
        file = self.stills.thumbnail(self.footage(shot, version))
        found = Thumbnail(file.name, file.read_bytes(), looked)
        if len(self._thumbnails) >= _MOST_THUMBNAILS:
            self._thumbnails = {}
        self._thumbnails[shot, version] = found
        return found

    def thumbnail_of_late(self, shot: str, version: int) -> Thumbnail | None:
        """What `thumbnail` found less than LOOK_AGAIN_S ago; it waits for nothing."""
        known = self._thumbnails.get((shot, version))
        return known if known is not None and time.monotonic() - known.looked < LOOK_AGAIN_S else None

    def close(self) -> None:
        self.proxies.close()
        self.stills.close()
