"""The delivered versions of a show's shots, as the player needs them."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

from pipeline.config import Shot
from pipeline.screening.media.footage import Footage, footage
from pipeline.sections import DeliveryBrief
from pipeline.shots import delivered, shots_of

_LOOK_AGAIN_S = 2.0  # how long the show's shot files are taken for unchanged
_VERSION = re.compile(r"_v(\d{3,9})")


class Deliveries:
    """Finds the footage of a version. Safe for threads. Raises ConfigError where a shot file of the show is wrong."""

    def __init__(self, show: Path) -> None:
        self.show = show
        self._lock = threading.Lock()
        self._shots: dict[str, Shot] = {}
        self._looked = -_LOOK_AGAIN_S

    def versions(self, name: str) -> dict[int, Path]:
        """The delivery folders of a shot by version. Raises LookupError for a shot that the show does not have."""
        found = {}
        for report in delivered(self._shot(name)):
            match = _VERSION.fullmatch(report.parent.name.removeprefix(name))
            if match:
                found[int(match[1])] = report.parent
        return dict(sorted(found.items()))

    def find(self, name: str, version: int) -> Footage:
        """Raises LookupError for what the show does not have, StoreError for a report that cannot be read."""
        shot = self._shot(name)
        folders = self.versions(name)
        if version not in folders:
            raise LookupError(f"{name} has no version {version}.")
        brief = shot.sections[DeliveryBrief]
        return footage(folders[version], shot.build, display=brief.display, view=brief.view)

    def _shot(self, name: str) -> Shot:
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_AGAIN_S:
                self._shots = {shot.info.name: shot for shot in shots_of(self.show)}
                self._looked = time.monotonic()
            if name not in self._shots:
                raise LookupError(f"there is no shot {name[:100]!r} in this show.")
            return self._shots[name]
