"""The captured motions that a shot file names: baked for our people, and the brief's words turned into their names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from assets.mocap.baked import SUFFIX, packed
from assets.mocap.clip import LEG_M, Clip
from assets.mocap.load import load_clip
from assets.motion.motions import MOTIONS, load_motion
from pipeline.crowd_sections import CrowdBrief, Zone
from pipeline.errors import AssetError, ConfigError
from pipeline.io.files import write_bytes

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
DIGITS = 12  # of the content's digest in a name
WANDERS_M = 0.9  # farther from the agent's own place a body would leave its picture


def bake(brief: CrowdBrief, folder: Path) -> tuple[Path, ...]:
    """Write every capture of the brief into `folder` as NAME.DIGEST.npz, retargeted; in the order of their names.

    Baked, because later stages then need no reader of foreign formats, nothing outside the layout's folder, and are not
    made again when a reader changes what it says but not what it reads. The name ends in the content's digest, so it
    means one motion wherever it is used. Raises ConfigError for a name that cannot be used or a missing file, AssetError
    for a file that cannot be; both name the shot file's key.
    """
    made = []
    for name in sorted(brief.captures):
        where, source = f"[crowd.captures] {name}", brief.capture(name)
        if name in MOTIONS:
            raise ConfigError(f"{where}: a motion that ships has this name. Choose another.")
        if not NAME.fullmatch(name):
            raise ConfigError(f"{where}: a name may hold only letters, digits, '_' and '-'. Rename it.")
        if not source.file.is_file():
            raise ConfigError(
                f"{where}: {source.file} is not there. Correct the path; it is relative to the shot file."
            )
        try:
            data = packed(_within(load_clip(name, source)))
        except AssetError as error:
            raise AssetError(f"{where}: {error}") from error
        made.append(folder / f"{name}.{hashlib.sha256(data).hexdigest()[:DIGITS]}{SUFFIX}")
        write_bytes(made[-1], data)
    return tuple(made)


def said(file: Path) -> str:
    """What `bake` made of a capture, in one line."""
    motion = load_motion(file.stem)
    way_m = float(motion.gone_m(np.ones(1))[0])
    if motion.loops:
        how = f"repeats every {motion.cycle_s:.2f} s" + (
            f", goes {motion.speed_mps:.2f} m/s" if way_m else ", on the spot"
        )
    else:
        how = f"is played once, {motion.cycle_s:.2f} s" + (f", and leads {way_m:.1f} m" if way_m else ", on the spot")
    return f"captured motion {file.stem.rpartition('.')[0]} {how}"


def renamed(brief: CrowdBrief, files: Iterable[Path]) -> CrowdBrief:
    """The brief with each capture called as `bake` called it, in zones, overrides and the table of a foreign crowd."""
    names = {file.stem.rpartition(".")[0]: file.stem for file in files}
    ours = {name: names.get(target, target) for name, target in brief.layout_motions.items()}
    # A foreign crowd that has a capture's name, or this shot's own name of an earlier run, needs no entry.
    known = names | {f"{name}.{'?' * DIGITS}": stem for name, stem in names.items()}
    return replace(
        brief,
        zones=tuple(_zone(zone, names) for zone in brief.zones),
        overrides=tuple(replace(o, motion=names.get(o.motion, o.motion)) for o in brief.overrides),
        layout_motions=ours | {name: stem for name, stem in known.items() if name not in ours},
    )


def _zone(zone: Zone, names: dict[str, str]) -> Zone:
    return replace(
        zone,
        motion=names.get(zone.motion, zone.motion),
        motions={names.get(name, name): weight for name, weight in zone.motions.items()},
        waits=names.get(zone.waits, zone.waits),
        fights=names.get(zone.fights, zone.fights),
    )


def _within(clip: Clip) -> Clip:
    """Raises AssetError for someone who walks off sideways, or out and back: an agent's place cannot follow that."""
    away_m = float(np.linalg.norm(clip.rows["hips"][:, [0, 2]], axis=1).max()) * LEG_M
    if away_m > WANDERS_M:
        raise AssetError(
            f"it leads {away_m:.1f} m away from one straight way, at most {WANDERS_M:g} m can be shown. "
            "Cut the part that goes straight with start_s and end_s."
        )
    return clip
