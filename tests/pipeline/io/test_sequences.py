"""A folder, a pattern or one frame means its whole sequence; what is missing or double is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import PlateError
from pipeline.io import sequences


def fill(folder: Path, names: str) -> Path:
    for name in names.split():
        (folder / name).write_bytes(b"pixels")
    return folder


@pytest.mark.parametrize(
    "asked", ["", "plate.####.exr", "plate.%04d.exr", "plate.@@@@.exr", "plate.$F4.exr", "plate.0999.exr"]
)
def test_every_way_to_say_it_finds_the_frames(tmp_path: Path, asked: str) -> None:
    fill(tmp_path, "plate.1000.exr plate.0999.exr plate.1001.exr notes.txt .hidden.exr")

    found = sequences.find(tmp_path / asked)

    assert isinstance(found, sequences.Frames)
    assert [f.name for f in found.files] == ["plate.0999.exr", "plate.1000.exr", "plate.1001.exr"]
    assert (found.name, found.first, found.label(1)) == ("plate.####.exr", 999, "frame 1000 (plate.1000.exr)")


def test_a_take_among_others_is_found_by_its_frame(tmp_path: Path) -> None:
    fill(tmp_path, "a_v001.1001.exr a_v001.1002.exr b.1001.exr a_v001.1001.jpg")

    found = sequences.find(tmp_path / "a_v001.1001.exr")

    assert [f.name for f in found.files] == ["a_v001.1001.exr", "a_v001.1002.exr"]


def test_a_movie_is_itself_alone_or_in_its_folder(tmp_path: Path) -> None:
    fill(tmp_path, "clip.MOV readme.md")

    assert sequences.find(tmp_path) == sequences.find(tmp_path / "clip.MOV") == tmp_path / "clip.MOV"


def test_a_thumbnail_beside_the_frames_is_no_second_take(tmp_path: Path) -> None:
    fill(tmp_path, "p.1.dpx p.2.dpx thumbnail.jpg")

    assert len(sequences.find(tmp_path).files) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("", r"the folder is empty\. Put the plate's frames"),
        ("notes.txt", r"the folder holds only \.txt"),
        ("p.1.exr p.2.exr p.4.exr", r"p\.####\.exr: frame 3 is missing between 1 and 4"),
        ("p.1.exr p.3.exr p.4.exr p.7.exr", r"frames 2, 5-6 are missing between 1 and 7"),
        ("p.1.exr p.0001.exr p.2.exr", r"frame 1 is there twice: p\.0001\.exr and p\.1\.exr"),
        ("a.1.exr a.2.exr b.1.exr b.2.exr", r"holds 2 takes: a\.####\.exr, b\.####\.exr\. Name one"),
        ("a.mov b.mov", r"holds 2 takes: a\.mov, b\.mov"),
    ],
)
def test_a_folder_that_will_not_do_says_why(tmp_path: Path, names: str, message: str) -> None:
    with pytest.raises(PlateError, match=message):
        sequences.find(fill(tmp_path, names))


def test_an_empty_file_is_a_truncated_frame(tmp_path: Path) -> None:
    fill(tmp_path, "p.1.exr p.3.exr")
    (tmp_path / "p.2.exr").touch()

    with pytest.raises(PlateError, match=r"p\.2\.exr: frame 2 is truncated"):
        sequences.find(tmp_path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("plaet", "Did you mean .*plate?"),
        ("plate/p.0001.ex", "Did you mean .*p.0001.exr?"),
        ("nowhere/at/all", "not found"),
        ("plate/q.####.exr", r"no frame fits this pattern\. That folder holds p\.####\.exr"),
        ("none/q.####.exr", "not found"),
        ("plate/shot.toml", "neither a movie nor a picture"),
    ],
)
def test_a_wrong_path_gets_a_hint(tmp_path: Path, asked: str, message: str) -> None:
    (tmp_path / "plate").mkdir()
    fill(tmp_path / "plate", "p.0001.exr shot.toml")

    with pytest.raises(PlateError, match=message):
        sequences.find(tmp_path / asked)
