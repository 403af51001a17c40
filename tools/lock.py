"""Renew requirements.lock and environment.yml from pyproject.toml, in a fresh virtual environment.

torch is installed first, by its exact version; what its build brings along (CUDA packages on Linux without the CPU build)
is left out of the lock, so that the same lock serves every platform.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = re.compile(r"^(nvidia-|cuda-|triton)")
HEADER = "# Made by `make lock` from pyproject.toml. Do not edit by hand.\n"


def main() -> None:
    """Install, freeze, write both files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    torch = next(w for w in wanted if w.startswith("torch=="))
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder) / "bin/python"), "-m", "pip"]
        subprocess.run([*pip, "install", "--quiet", torch], check=True)
        subprocess.run([*pip, "install", "--quiet", *wanted], check=True)
        frozen = subprocess.run([*pip, "freeze", "--all"], check=True, capture_output=True, text=True).stdout
    write(pins_of(frozen))


def pins_of(frozen: str) -> list[str]:
    """NAME==VERSION lines of `pip freeze`, local build tags and platform packages left out."""
    lines = [line.split("+")[0] for line in frozen.splitlines() if "==" in line and not LOCAL.match(line)]
    return sorted((line for line in lines if not line.startswith(("pip==", "battleplate=="))), key=str.lower)


def write(pins: list[str]) -> None:
    """Write requirements.lock and environment.yml from the same pins."""
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(pins) + "\n")
    lines = [
        HEADER.rstrip(),
        "# For studios that use conda: conda env create -f environment.yml && conda activate battleplate && pip install --no-deps -e .",
        "name: battleplate",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        "  - pip:",
        *[f"      - {pin}" for pin in pins],
    ]
    (ROOT / "environment.yml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
