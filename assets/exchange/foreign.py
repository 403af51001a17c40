"""One instancer of another program's crowd on a shot's frames, in this project's words, numbers and world."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.exchange.retime import Moves, at_times, headings, moves_of, strides
from assets.motion.motions import MOTIONS, is_known
from assets.people.characters import character_names, is_character
from assets.people.recipes import Names, called
from pipeline.errors import AssetError, FormatError
from pipeline.frames import FrameRange, FrameRate
from pipeline.io.usdread import Clock, Crowds, Instancer, Sampled

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
HIDDEN_M = -10_000.0  # the height at which an agent waits on frames that do not show him
_MOTION_LABELS = ("motion", "clip", "clipname", "agentclip")
LABELS = ("agentname", "zone", "seed", "phase", "yaw_rad", *_MOTION_LABELS)
_YAW_TRUST_RAD = 3e-3  # half-precision quaternions agree with a written yaw this well; else they were edited since


class Part:
    """One instancer on the shot's frames, in this project's world."""

    def __init__(
        self, path: Path, scene: Crowds, one: Instancer, rate: FrameRate, held: bool, motions: Mapping[str, str]
    ) -> None:
        self.shown = one.shown
        self.where = f"{path} {one.path}"
        self.one, self.times, self.held = one, scene.times, held
        ours_from_stage = scene.metres_per_unit * _turned_up(scene.up)
        self.world = one.matrices[:, :3, :3].transpose(0, 2, 1) @ ours_from_stage.T  # for rows
        local = at_times(one.positions, scene.times, held)
        self.positions = (local @ self.world + one.matrices[:, None, :3, 3] @ ours_from_stage.T).astype(np.float32)
        self._check(self.positions, "position")
        self.yaws = self._yaws(scene.up)
        self.scales = self._scales(scene.up)
        self._check(self.yaws, "orientation")
        self._check(np.broadcast_to(self.scales, one.shown.shape), "scale")
        zone = one.path.rpartition("/")[2]
        self.zones = self._words("zone") or [zone] * len(one.ids)
        self.names = self._words("agentname") or [f"{zone}.{number:05d}" for number in one.ids]
        self.seeds = self._seeds(zone)
        self.moves = self._moves(motions, float(rate.fraction))

    def standing(self) -> Floats:
        """(F, N, 3) positions, those not shown out of everyone's sight."""
        standing = self.positions.copy()
        standing[..., 1] = np.where(self.shown, standing[..., 1], HIDDEN_M)
        return standing

    def _check(self, values: npt.NDArray[np.floating], what: str) -> None:
        bad = ~np.isfinite(values if values.ndim == 2 else values.sum(axis=-1)) & self.shown
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise FormatError(
                f"{self.where}: the {what} of agent {self.one.ids[column]} is not a number at time code "
                f"{self.times[row]:g} ({int(bad.sum())} such). Mend it in the program that wrote the file."
            )

    def _yaws(self, up: str) -> Floats:
        turns = self.one.quaternions
        if turns is None:
            x, y, z, w = np.zeros((4, 1, len(self.one.ids)))
            turns = Sampled(np.zeros(1), np.stack([x, y, z, w + 1], axis=-1))
        ahead = np.linalg.inv(_turned_up(up)) @ [0, 0, 1.0]  # Y up looks along +Z, Z up along -Y
        ways = at_times(Sampled(turns.times, headings(turns.values, ahead)), self.times, self.held) @ self.world
        yaws = np.arctan2(ways[..., 0], ways[..., 2]).astype(np.float32)
        if "yaw_rad" in self.one.numbers:
            written = self._number("yaw_rad", circle=2 * np.pi)
            fits = np.abs((written - yaws + np.pi) % (2 * np.pi) - np.pi) < _YAW_TRUST_RAD
            yaws = np.where(fits, written, yaws).astype(np.float32)
        return yaws

    def _scales(self, up: str) -> Array:
        if self.one.scales is None:
            scales = np.ones(len(self.one.ids))
        else:
            scales = self.one.scales.values[0][:, 1 if up == "Y" else 2].astype(np.float64)
        if not len(self.one.matrices):
            return scales
        return np.asarray(scales * np.cbrt(abs(np.linalg.det(self.one.matrices[0, :3, :3]))))

    def _number(self, label: str, circle: float = 0.0) -> Array:
        return at_times(self.one.numbers[label], self.times, self.held, circle)

    def _words(self, label: str) -> list[str]:
        if label not in self.one.words:
            return []
        words, numbers = self.one.words[label]
        return [words[i] for i in numbers.values[0]]

    def _seeds(self, zone: str) -> npt.NDArray[np.int64]:
        if "seed" in self.one.numbers:
            return self.one.numbers["seed"].values[0].astype(np.int64)
        return (chance(1, zone, self.one.ids, "member") * 2**31).astype(np.int64)

    def _moves(self, table: Mapping[str, str], frames_per_second: float) -> Moves:
        label = next((label for label in _MOTION_LABELS if label in self.one.words), None)
        given = None
        if label:
            words, numbers = self.one.words[label]
            used = sorted({words[i] for i in np.unique(numbers.values)})
            known = sorted({*MOTIONS, *filter(is_known, table.values())})  # captures stand in the table
            ours = _mapped(self.where, "motion", used, table, known, "layout_motions")
            names = tuple(dict.fromkeys(ours[word] for word in words if word in ours))
            lookup = np.array([names.index(ours[word]) if word in ours else 0 for word in words], np.uint8)
            given = names, lookup[at_times(numbers, self.times, held=True).astype(np.int64)]
        starts = chance(1, "phase", self.seeds, "phase")
        moves = moves_of(self.positions, self.yaws, self.scales, starts, frames_per_second, given)
        if "phase" not in self.one.numbers or given is None:
            return moves
        return Moves(moves.names, moves.motions, strides(self._number("phase", circle=1.0)))


def _turned_up(up: str) -> Array:
    """ours_from_stage without units: a Z-up stage is laid back, x stays."""
    return np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) if up == "Z" else np.eye(3)


def time_codes(clock: Clock, frames: FrameRange, rate: FrameRate, notes: list[str]) -> Array:
    shot, per_second = np.arange(frames.first, frames.last + 1, dtype=np.float64), float(rate.fraction)
    same_rate = abs(clock.codes_per_second - per_second) < 1e-3
    start = shot[0] if clock.start is None else clock.start
    end = np.inf if clock.end is None else clock.end
    if not (same_rate and start <= shot[0] <= end):
        codes = start + (shot - shot[0]) * clock.codes_per_second / per_second
        notes.append(f"the file's time code {start:g} was taken as frame {frames.first}")
    else:
        codes = shot
    if codes[-1] > end + 1e-6:
        notes.append(f"the file ends at time code {end:g}, the shot needs {codes[-1]:g}: the last pose is held")
    return codes


def prototype_names(one: Instancer) -> list[str]:
    return [one.prototypes[i] for i in one.prototype_of]


def character_table(path: Path, scene: Crowds, table: Mapping[str, str], own: Names) -> dict[str, str]:
    used = sorted({name for one in scene.instancers for name in prototype_names(one)})
    ours = [*character_names(), *(name for name in own if name not in character_names())]
    coloured = sorted({name for name in (*used, *table.values()) if is_character(called(name, own))} - set(ours))
    return _mapped(str(path), "prototype", used, table, [*ours, *coloured], "layout_characters")


def _mapped(
    where: str, kind: str, used: list[str], table: Mapping[str, str], ours: list[str], key: str
) -> dict[str, str]:
    """The file's names in ours; a key of `table` may hold * and ?. Raises AssetError that lists all unknown ones."""
    found, unknown = {}, []
    for name in used:
        target = table.get(name) or next((ours for key, ours in table.items() if fnmatchcase(name, key)), name)
        if target in ours:
            found[name] = target
        else:
            unknown.append(name if target == name else f"{name} -> {target}")
    if unknown:
        raise AssetError(
            f"{where}: unknown {kind} {', '.join(unknown[:12])}{' ...' if len(unknown) > 12 else ''}. "
            f'Write {key} = {{ "{used[0] if not unknown else unknown[0].split(" -> ")[0]}" = "{ours[0]}" }}; '
            f"known here: {', '.join(ours)}."
        )
    return found


def agent_ids(scene: Crowds, notes: list[str]) -> npt.NDArray[np.int64]:
    """Unique numbers from 1 up that fit the id channel; those of the file where they do."""
    from assets.crowd.members import ID_BLOCK  # here: whoever lays out crowds reads foreign ones too

    blocks = [one.ids if one.numbered else one.ids + 1 for one in scene.instancers]
    together = np.concatenate(blocks)
    if len(np.unique(together)) < len(together):
        if max((int(block.max(initial=0)) for block in blocks), default=0) < ID_BLOCK and together.min(initial=0) >= 0:
            together = np.concatenate([block + ID_BLOCK * (k + 1) for k, block in enumerate(blocks)])
            notes.append(
                f"instancers share ids: those of the first begin at {ID_BLOCK}, the next ones each as much later"
            )
        else:
            together = np.arange(1, len(together) + 1)
            notes.append("instancers share ids: agents are numbered from 1 in the file's order")
    if len(together) and together.min() < 1:
        notes.append(f"ids begin at {together.min()}: all were raised to begin at 1")
        together = together + 1 - together.min()
    if len(together) and together.max() >= 2**31:
        together = np.argsort(np.argsort(together)) + 1
        notes.append("ids are too large for the id channel: agents are numbered from 1 in the order of their ids")
    return together.astype(np.int64)


def pick(values: list[str], kept: npt.NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(values[i] for i in kept)
