"""A file counts with all that it is made of."""

import json
from pathlib import Path

import pytest

from pipeline.crowd_sections import CaptureFile, CrowdBrief
from pipeline.errors import FormatError
from pipeline.fingerprint import section_digest
from pipeline.io.parts import parts_of
from pipeline.io.usdread import read_instancers

LAYER = '#usda 1.0\n(\n    defaultPrim = "A"\n)\n\ndef Xform "A"\n{\n    double size = 1\n}\n'
MAIN = """#usda 1.0
(
    subLayers = [@./sub.usda@]
)

def "P" (
    payload = @./deep/pay.usda@
)
{
}
"""


@pytest.fixture
def layered(tmp_path: Path) -> Path:
    """A file with a sublayer and a payload, which has a reference itself."""
    (tmp_path / "deep").mkdir()
    for name in ("sub.usda", "deep/more.usda"):
        (tmp_path / name).write_text(LAYER)
    payload = LAYER.replace('def Xform "A"\n', 'def Xform "A" (\n    references = @./more.usda@\n)\n')
    (tmp_path / "deep/pay.usda").write_text(payload)
    (tmp_path / "main.usda").write_text(MAIN)
    return tmp_path / "main.usda"


def test_a_layered_crowd_counts_with_its_layers(layered: Path):
    folder = layered.parent
    brief = CrowdBrief(layout=layered)
    before = section_digest(brief)

    assert parts_of(layered) == [folder / "deep/more.usda", folder / "deep/pay.usda", folder / "sub.usda"]
    assert section_digest(brief) == before
    for name in ("sub.usda", "deep/pay.usda", "deep/more.usda"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("size = 1", "size = 11"))
        assert section_digest(brief) != before, name
        (folder / name).write_text(text)
        assert section_digest(brief) == before, name


def test_a_layer_that_is_added_counts_from_then_on(layered: Path):
    before = section_digest(CrowdBrief(layout=layered))
    (layered.parent / "new.usda").write_text(LAYER)
    layered.write_text(MAIN.replace("@./sub.usda@", "@./sub.usda@, @./new.usda@"))

    assert layered.parent / "new.usda" in parts_of(layered)
    assert section_digest(CrowdBrief(layout=layered)) != before


def test_a_layer_that_is_missing_is_named(layered: Path):
    (layered.parent / "deep/more.usda").unlink()

    with pytest.raises(FormatError, match=r"main.usda: needs .*more.usda, which is not there. Copy it along") as caught:
        read_instancers(layered, lambda clock: [1.0])

    assert "\n" not in str(caught.value)


def test_a_gltf_counts_with_its_buffers(tmp_path: Path):
    document = {"buffers": [{"uri": "a%20b.bin"}, {"uri": "data:application/octet-stream;base64,AA=="}, {}]}
    (tmp_path / "run.gltf").write_text(json.dumps(document))
    (tmp_path / "a b.bin").write_bytes(b"1")
    brief = CrowdBrief(captures={"run_in": CaptureFile(tmp_path / "run.gltf")})
    before = section_digest(brief)

    assert parts_of(tmp_path / "run.gltf") == [tmp_path / "a b.bin"]
    (tmp_path / "a b.bin").write_bytes(b"22")
    assert section_digest(brief) != before


def test_a_broken_file_has_no_parts(tmp_path: Path):
    for name in ("a.gltf", "a.usda", "a.bvh"):
        (tmp_path / name).write_text("no")
        assert parts_of(tmp_path / name) == []
