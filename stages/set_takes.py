"""Takes of a shot's set pieces, for `battleplate takes propose`: no step of a shot, and nothing later takes what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.providers.base import Provider
from assets.sets.projection import draw_guides, read_pieces
from assets.takes import record
from assets.takes.names import first_piece_seed, seed_of, take_name
from assets.takes.propose import lay_out
from assets.takes.record import Take, TakeSheet
from assets.takes.told import Telling
from calibration.cameras import load_poses
from pipeline.errors import ConfigError
from pipeline.stage import Progress, silent
from pipeline.types import CameraTrack, SetLayout, SunLight
from stages.generate_set import Params, keyframes, piece_request

LOOK_PX = 512  # longest side of a proposal


@dataclass(frozen=True, slots=True)
class LaidOut:
    """What of a shot is needed: its camera and its set."""

    track: CameraTrack
    layout: SetLayout
    facts: SunLight


def propose_pieces(
    shot: LaidOut,
    names: Sequence[str],
    provider: Provider,
    root: Path,
    count: int,
    params: Params,
    progress: Progress = silent,
) -> list[Path]:
    """N takes of each named piece from its best keyframe, LOOK_PX at most. root: the shot's `takes`.

    Returns the contact sheets. Raises ConfigError for a piece that is not laid out, ProviderError when it cannot be painted.
    """
    pieces, poses = {piece.name: piece for piece in read_pieces(shot.layout)}, load_poses(shot.track)
    sheets = []
    for name in names:
        if name not in pieces:
            raise ConfigError(f"set piece {name!r} is not in this shot. Pieces: {', '.join(pieces) or 'none'}.")
        piece = pieces[name]
        [(frame, projector), *_] = keyframes(piece, shot.track, poses, params, min(LOOK_PX, params.most_px))
        drawn = draw_guides(piece, projector)
        plain = piece_request(piece, projector, drawn, shot.facts, params)
        asked: dict[str, list[Any]] = {
            take: [Telling(seed_of(first_piece_seed(piece.seed), take)).told(plain)]
            for take in map(take_name, range(1, count + 1))
        }
        sheet = TakeSheet(name, "piece", (f"frame {frame}",), (), ())
        about = Take("", 0, "", "", "", (), "", "")
        folder = record.folder_of(root, provider.name, name)
        sheets.append(lay_out(provider, asked, sheet, about, folder, f"{name}, {piece.material}", progress))
    return sheets
