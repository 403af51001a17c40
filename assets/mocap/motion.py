"""A captured clip among our own motions."""

from __future__ import annotations

from assets.mocap.clip import Clip
from assets.motion.motions import Motion
from pipeline.errors import AssetError


class CapturedMotion(Motion):
    """A motion that a clip poses."""

    __slots__ = ()

    def at_speed(self, speed_mps: float) -> Motion:
        """As Motion's: longer and quicker strides; feet do not slide. Raises AssetError for a clip on the spot."""
        if self.speed_mps <= 0 or speed_mps <= 0:
            raise AssetError(f"motion {self.name!r} cannot go at {speed_mps:g} m/s. Take one that covers ground.")
        return captured_motion(_clip(self).at_speed(speed_mps))


def captured_motion(clip: Clip) -> Motion:
    """`clip` as a motion like our own."""
    falls = tuple((side, fall.first, fall.last) for side, feet in clip.feet.items() for fall in feet.falls)
    title = "Captured: " + clip.name
    shares = () if clip.loops or not clip.speed else tuple(clip.feet["L"].shares.tolist())
    return CapturedMotion(clip.name, clip.cycle_s, clip.speed_mps, falls, clip.pose, clip.loops, title, shares=shares)


def _clip(motion: Motion) -> Clip:
    clip = getattr(motion.pose, "__self__", None)
    assert isinstance(clip, Clip)
    return clip
