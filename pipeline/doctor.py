"""What this machine has, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pipeline.fingerprint import ROOT

ENCODERS = ("libx264", "libx265", "prores_ks", "dnxhd")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's. level: ok | note | missing. cure: what to do, "" when nothing is needed."""

    name: str
    level: str
    found: str
    cure: str = ""


def examine(build: Path) -> list[Finding]:
    """Versions against the lock, codecs, GPU, memory and free disk at `build`."""
    return [_python(), *_libraries(), *_codecs(), _color(), _gpu(), _memory(), _disk(build), _bodies(), *_shipped()]


def _python() -> Finding:
    found = sys.version.split()[0]
    good = sys.version_info >= (3, 11)
    return Finding("python", "ok" if good else "missing", found, "" if good else "Install Python 3.11 or newer.")


def _libraries() -> list[Finding]:
    lock = ROOT / "requirements.lock"
    pins = dict(
        line.split(";")[0].strip().split("==")
        for line in lock.read_text().splitlines()
        if "==" in line and line[0] != "#"
    )
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    findings = []
    for name in sorted(w.split("=")[0].split(">")[0].split("[")[0].strip() for w in wanted):
        pin = pins.get(name, "")
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(name, "missing", "not installed", f"pip install {name}=={pin}"))
            continue
        same = found.split("+")[0] == pin
        findings.append(
            Finding(name, "ok" if same else "note", found, "" if same else f"the lock has {pin}: make install")
        )
    return findings


def _codecs() -> list[Finding]:
    from pipeline.io.video import has_encoder

    cures = {"libx264": "review movies need it: pip install --force-reinstall av"}
    return [
        Finding(f"encoder {name}", "ok" if has_encoder(name) else ("missing" if name in cures else "note"),
                "yes" if has_encoder(name) else "no", "" if has_encoder(name) else cures.get(name, "only its tests need it"))
        for name in ENCODERS
    ]  # fmt: skip


def _color() -> Finding:
    from pipeline.io.color import CONFIG, color_spaces

    return Finding("colour config", "ok", f"{CONFIG}, {len(color_spaces())} colour spaces")


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "ok", torch.cuda.get_device_name(0))
    if torch.backends.mps.is_available():
        return Finding("GPU", "ok", "Apple Metal")
    return Finding("GPU", "note", "none", "not needed: everything runs on the CPU")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    good = total >= 6
    return Finding(
        "memory",
        "ok" if good else "note",
        f"{total:.0f} GB, {os.cpu_count()} cores",
        "" if good else "run with --workers 1",
    )


def _disk(build: Path) -> Finding:
    place = next(p for p in [build.resolve(), *build.resolve().parents] if p.exists())
    free = shutil.disk_usage(place).free / 1e9
    good = free > 5
    return Finding(
        "disk",
        "ok" if good else "note",
        f"{free:.0f} GB free at {place}",
        "" if good else "a shot of 48 HD frames wants about 2 GB",
    )


def _bodies() -> Finding:
    place = Path(os.environ.get("ANNY_CACHE_DIR", Path.home() / ".cache/anny"))
    if any(place.glob("*")):
        return Finding("body cache", "ok", str(place))
    return Finding(
        "body cache",
        "note",
        "not built",
        f"the first crowd builds it in a minute or two: 1 GB in {place}; ANNY_CACHE_DIR moves it",
    )


def _shipped() -> list[Finding]:
    wanted = {
        "demo plate": ROOT / "assets/demo/shot.toml",
        "built-in model": ROOT / "assets/models/battleplate-sprites/model_index.json",
    }
    return [
        Finding(name, "ok" if file.exists() else "missing", "there" if file.exists() else f"no {file}",
                "" if file.exists() else "restore it: git checkout -- assets")
        for name, file in wanted.items()
    ]  # fmt: skip
