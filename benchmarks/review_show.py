"""A season's show for the review server to hold: shots, versions, takes, decisions, notes, people who are signed in."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from pipeline.io import exr
from pipeline.screening.database import Database
from pipeline.screening.decisions.subject import subject_of
from pipeline.screening.people import sessions
from pipeline.screening.people.roles import Role
from pipeline.screening.records import Decision, Note, User
from pipeline.screening.web.settings import Settings

VERSIONS, TAKES, FRAMES = 3, 20, range(1001, 1049)
WIDTH, HEIGHT = 320, 180


def shot_names(shots: int) -> list[str]:
    """Names in sequences of twenty shots."""
    return [f"bp_{10 * (n // 20 + 1):03d}_{10 * (n % 20 + 1):04d}" for n in range(shots)]


def make_show(root: Path, shots: int) -> Path:
    """A show of `shots` shots, each with VERSIONS deliveries of FRAMES and TAKES proposals; build folders stand below it, as
    they do on a show's disk, with files that are no shot's.
    """
    show = root / "show.toml"
    root.mkdir(parents=True, exist_ok=True)
    show.write_text('[show]\nname = "a season"\n', "utf-8")
    ramp = np.linspace(0, 1, WIDTH, dtype=np.float32)[None].repeat(HEIGHT, axis=0)
    frame = root / "frame.exr"
    exr.write(frame, dict.fromkeys("RGB", ramp))
    sha = hashlib.sha256(frame.read_bytes()).hexdigest()
    for name in shot_names(shots):
        place = root / name
        place.mkdir()
        text = f'[shot]\nname = "{name}"\nversion = {VERSIONS}\n\n[plate]\npath = "plate.mov"\n'
        (place / "shot.toml").write_text(text, "utf-8")
        for version in range(1, VERSIONS + 1):
            _deliver(place / "delivery" / f"{name}_v{version:03d}", name, version, frame, sha)
        for piece in ("keep", "gate"):
            takes = root / "build" / name / "takes" / "builtin" / piece
            takes.mkdir(parents=True)
            told = [{"name": f"t{n:02d}", "provider": "builtin", "seed": n} for n in range(TAKES // 2)]
            (takes / "takes.json").write_text(json.dumps({"name": piece, "kind": "piece", "takes": told}), "utf-8")
        for stage in range(20):  # what a run leaves: folders that a look for shot files must not wade through
            kept = root / "build" / name / f"stage_{stage}" / "0123456789abcdef"
            kept.mkdir(parents=True)
            (kept / "receipt.json").write_text("{}", "utf-8")
    return show


def _deliver(folder: Path, name: str, version: int, frame: Path, sha: str) -> None:
    (folder / "exr").mkdir(parents=True)
    files = {}
    for number in FRAMES:
        file = folder / "exr" / f"{name}_comp_v{version:03d}.{number}.exr"
        os.link(frame, file)
        files[f"exr/{file.name}"] = sha
    said = {"black": [0.046, 0.045, 0.039], "key": 0.285, "white": [1.19, 1.19, 1.22], "fringe": [0.01, 0.01, 0.01]}
    report = {
        "shot": {"name": name, "version": version, "frames": f"{FRAMES[0]}-{FRAMES[-1]}", "rate": "24000/1001"},
        "plate": {"size_px": [WIDTH, HEIGHT], "pixel_aspect": 1.0, "timecode": "10:00:00:00"},
        "checks": [{"name": "frozen frames", "good": True, "said": "none", "limit": "none"}] * 8,
        "camera": {"solve": {"frames": [{"frame": n, "error_px": 0.1 + n % 7 / 100} for n in FRAMES]}},
        "comp": {
            "frames": {
                str(n): {
                    "grain_ratio": [1 + n % 5 / 1000, 1.0, 0.99],
                    "layers": {"crowd": said, "set": said},
                    "plate": {**said, "flicker": {"mean": 0.05 + n % 5 / 1000}},
                }
                for n in FRAMES
            }
        },
        "files": files,
    }
    (folder / "report.json").write_text(json.dumps(report), "utf-8")


def join(settings: Settings, shots: int, people: int) -> list[str]:
    """Supervisors who are signed in: their cookies' tokens. Half of the newest versions are approved, each has a note."""
    database = Database(settings.database_url)

    def write(session) -> list[str]:
        users = [User(name=f"person {n}", role=Role.SUPERVISOR.value, password_hash="none") for n in range(people)]
        session.add_all(users)
        session.flush()
        for number, name in enumerate(shot_names(shots)):
            session.add(Note(shot=name, version=VERSIONS, frame=1017, text="Too even.", author_id=users[0].id))
            if number % 2:
                subject = subject_of(settings.show.parent / name / "delivery" / f"{name}_v{VERSIONS:03d}")
                kept = {"digest": subject.digest, "detail": subject.plain(), "by_id": users[0].id}
                session.add(Decision(shot=name, version=VERSIONS, kind="approve", **kept))
        return [sessions.begin(session, user) for user in users]

    tokens = database.write(write)
    database.close()
    return tokens
