"""The promises of the house: who imports whom, one way in for each library, files that stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("pipeline", "calibration", "assets", "stages")
FILES = sorted(f for p in PACKAGES for f in (ROOT / p).rglob("*.py"))
# package: what it may import of ours
ALLOWED = {
    "pipeline/kernels": {"pipeline.kernels"},
    "pipeline": {"pipeline"},
    "calibration": {"pipeline", "calibration"},
    "assets": {"pipeline", "assets"},
    "stages": {"pipeline", "calibration", "assets", "stages"},
}
# The command line: alone it names both the runner and the stages, and nothing imports it.
COMMANDS = (ROOT / "pipeline/__main__.py", *sorted((ROOT / "pipeline").glob("*_commands.py")))
# library: where alone it may be imported
DOORS = {
    "numba": ("pipeline/kernels",),
    "OpenEXR": ("pipeline/io",),
    "OpenImageIO": ("pipeline/io",),
    "PyOpenColorIO": ("pipeline/io",),
    "av": ("pipeline/io",),
    "pxr": ("pipeline/io/usd",),
    "pycolmap": ("calibration",),
    "diffusers": ("assets/providers", "assets/train"),
    "transformers": ("assets/providers", "assets/train"),
    "anny": ("assets",),
    "httpx2": ("assets/providers", "pipeline/screening/out"),
    "websockets": ("assets/providers",),
    "boto3": ("assets/providers",),
    "botocore": ("assets/providers",),
    "peft": ("assets/providers",),
    "fastapi": ("pipeline/screening/web",),
    "starlette": ("pipeline/screening/web",),
    "uvicorn": ("pipeline/review_commands.py",),
    "sqlalchemy": ("pipeline/screening",),
    "alembic": ("pipeline/screening/database.py", "pipeline/screening/migrations"),
    "argon2": ("pipeline/screening/people",),
    "fpdf": ("pipeline/screening/out",),
    "opentimelineio": ("pipeline/screening/out",),
    "gazu": ("pipeline/screening/out",),
}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(file: Path) -> str:
    name = file.relative_to(ROOT).as_posix()
    return next(r for r in ALLOWED if name.startswith(r + "/"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_imports_follow_the_one_way(file):
    if file in COMMANDS:
        return
    ours = {n for n in imports(file) if n.split(".")[0] in PACKAGES}

    # Kernels may use the error tree: it holds no behaviour.
    wrong = {
        n for n in ours if not any(n == a or n.startswith(a + ".") for a in ALLOWED[room(file)] | {"pipeline.errors"})
    }

    assert not wrong - {"pipeline"}


def test_nothing_imports_the_command_line():
    users = {f for f in FILES if imports(f) & {f"pipeline.{command.stem}" for command in COMMANDS}}

    assert ROOT / "pipeline/__main__.py" in users
    assert users <= set(COMMANDS)


@pytest.mark.parametrize("library", DOORS)
def test_one_way_in_for_each_library(library):
    users = {f.relative_to(ROOT).as_posix() for f in FILES if any(n.split(".")[0] == library for n in imports(f))}

    assert not {u for u in users if not u.startswith(DOORS[library])}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_every_file_says_first_what_it_is_for(file):
    assert ast.get_docstring(tree(file)), "begin with a docstring of one line"


def test_nothing_heavy_is_loaded_before_it_is_needed():
    """`battleplate --help` must not wait for torch, and pycolmap must never come into the main process."""
    code = (
        "import sys, pipeline.__main__, stages; "
        "print([m for m in ('torch', 'pycolmap', 'diffusers', 'anny', 'transformers', 'kornia', 'pxr', 'fastapi', "
        "'sqlalchemy', 'alembic', 'uvicorn', 'fpdf', 'gazu') if m in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_every_stage_is_one_file_with_one_test():
    from stages import SHOT

    for stage in SHOT:
        assert (ROOT / f"stages/{stage.name}.py").is_file()
        assert (ROOT / f"tests/stages/test_{stage.name}.py").is_file(), stage.name


def test_every_input_of_a_stage_is_made_before_it():
    from pipeline.config import ASKED, DRAWN, FOUND, PICKED, SECTIONS
    from stages import SHOT

    there = {*SECTIONS.values(), *ASKED.values(), *PICKED.values(), *DRAWN.values(), *FOUND}
    for stage in SHOT:
        assert set(stage.inputs.values()) <= there, stage.name
        there.add(stage.output)


def test_no_path_of_a_machine_and_no_foreign_host_in_the_tree():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [
        ROOT / n for n in listed if n.endswith((".py", ".md", ".toml", ".yml", ".lock", ".html", "Makefile", "run"))
    ]
    words = ("/work" + "/", "/root" + "/", "pypi" + ".org", "download.pytorch" + ".org")

    assert not [(f.name, w) for f in texts for w in words if w in f.read_text("utf-8")]
