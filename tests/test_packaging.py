"""pyproject.toml, the lock and environment.yml say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def pins(text: str) -> dict[str, str]:
    return {normal(n): v for n, v in re.findall(r"^\s*(?:- )?([A-Za-z0-9_.-]+)==(\S+)$", text, re.MULTILINE)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]


def test_the_lock_and_the_conda_file_hold_the_same_pins():
    lock = pins((ROOT / "requirements.lock").read_text())
    conda = pins((ROOT / "environment.yml").read_text())

    assert lock == conda
    assert len(lock) > 40


def test_every_requirement_is_pinned_and_met_by_its_pin():
    from packaging.requirements import Requirement

    lock = pins((ROOT / "requirements.lock").read_text())

    for text in wanted():
        requirement = Requirement(text)
        assert requirement.specifier.contains(lock[normal(requirement.name)]), text


def test_every_requirement_is_justified_in_one_line():
    said = (ROOT / "docs/dependencies.md").read_text()

    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        name = re.split(r"[=<>\[]", text)[0]
        assert re.search(rf"^\| {re.escape(name)} \| \S", said, re.MULTILINE), name


def test_torch_is_pinned_exactly_and_brings_no_platform_packages_into_the_lock():
    lock = (ROOT / "requirements.lock").read_text()

    assert "torch==2.13.0\n" in lock
    assert not re.search(r"^(nvidia|cuda|triton|torchvision)", lock, re.MULTILINE)
