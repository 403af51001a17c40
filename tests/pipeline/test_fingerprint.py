"""What counts as the same work."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.crowd_sections import CrowdBrief, Zone
from pipeline.errors import StoreError
from pipeline.fingerprint import code_of, section_digest
from pipeline.sections import PlateSource


def house(root: Path, stage: str, helper: str = "def half(x):\n    return x / 2\n") -> Path:
    (root / "stages").mkdir(parents=True)
    (root / "assets").mkdir()
    (root / "assets/__init__.py").write_text("")
    (root / "assets/helper.py").write_text(helper)
    file = root / "stages/step.py"
    file.write_text(stage)
    return file


STEP = "def step(x):\n    from assets.helper import half\n    return half(x)\n"


def digests(root: Path, *texts: str, data: tuple[str, ...] = ()) -> dict[str, str]:
    return code_of(house(root, *texts), data, root)


def test_a_comment_a_docstring_and_layout_change_nothing(tmp_path):
    plain = digests(tmp_path / "a", STEP)
    dressed = digests(tmp_path / "b", '"""What."""\n# why\n' + STEP.replace("(x):\n", '(x):\n    """Doc."""\n', 1))

    assert plain == dressed


def test_an_import_inside_a_function_is_followed(tmp_path):
    plain = digests(tmp_path / "a", STEP)
    other = digests(tmp_path / "b", STEP, "def half(x):\n    return x / 3\n")

    assert plain["stages/step.py"] == other["stages/step.py"]
    assert plain["assets/helper.py"] != other["assets/helper.py"]


def test_a_file_that_many_stages_share_is_parsed_once(tmp_path, monkeypatch):
    parsed = []
    monkeypatch.setattr(ast, "parse", lambda text, parse=ast.parse: parsed.append(text) or parse(text))
    first = house(tmp_path, STEP)
    second = first.with_name("leap.py")
    second.write_text(STEP.replace("step", "leap"))

    both = [code_of(file, (), tmp_path)["assets/helper.py"] for file in (first, second)]

    assert both[0] == both[1]
    assert sum("return x / 2" in text for text in parsed) == 1


def test_declared_data_counts_and_must_be_there(tmp_path):
    file = house(tmp_path, STEP)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/w.bin").write_bytes(b"1")

    assert "weights/w.bin" in code_of(file, ("weights",), tmp_path)
    with pytest.raises(StoreError, match="is missing"):
        code_of(file, ("gone",), tmp_path)


def test_a_section_counts_a_file_by_content_not_by_place(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "plate.mov").write_bytes(b"same")
    first, second = (section_digest(PlateSource(tmp_path / f / "plate.mov")) for f in "ab")
    (tmp_path / "b/plate.mov").write_bytes(b"other")

    assert first == second
    assert section_digest(PlateSource(tmp_path / "b/plate.mov")) != first


def test_one_frame_stands_for_its_sequence(tmp_path):
    for frame in (1001, 1002):
        (tmp_path / f"plate_{frame}.exr").write_bytes(b"%d" % frame)
    sources = [PlateSource(tmp_path / name) for name in ("plate_1001.exr", "plate_####.exr", "plate_%04d.exr")]
    before = [section_digest(s) for s in sources]
    (tmp_path / "plate_1002.exr").write_bytes(b"changed")

    assert all(section_digest(s) != b for s, b in zip(sources, before, strict=True))


def test_a_zone_counts():
    assert section_digest(CrowdBrief((Zone("van", 3),))) != section_digest(CrowdBrief((Zone("van", 4),)))
