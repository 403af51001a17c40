"""Choose the frames that COLMAP sees: near enough to match, far enough apart to measure depth."""

from __future__ import annotations

from calibration.solve.track import Tracks

MOTION = 0.03  # of the width; 0.05 broke two hard plates, density matters more than speed
SURVIVORS = 0.4
LONGEST = 40  # frames
FEWEST = 10  # keyframes wanted of a calm plate


def choose_keyframes(tracks: Tracks, width_px: int) -> list[int]:
    """Rows of the keyframes, the first and the last frame among them.

    A frame is one when the median track moved 3% of the width since the last, fewer than 40% of its tracks are left, or
    40 frames have passed. A calm plate is cut finer, until it has ten or its steps fall under 0.75%.
    """
    motion = MOTION
    while True:
        rows = _choose(tracks, motion * width_px)
        if len(rows) >= min(FEWEST, len(tracks)) or motion < 0.01:
            return rows
        motion *= 0.75


def _choose(tracks: Tracks, motion_px: float) -> list[int]:
    rows = [0]
    for row in range(1, len(tracks)):
        last = rows[-1]
        left = len(tracks.common(last, row)[0]) / max(1, len(tracks.at(last)[0]))
        if left < SURVIVORS or row - last >= LONGEST or tracks.motion(last, row) > motion_px:
            rows.append(row)
    if rows[-1] != len(tracks) - 1:
        rows.append(len(tracks) - 1)
    return rows
