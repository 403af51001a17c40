"""What leaves the house: approved, checked byte by byte, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline.config import load_shot
from pipeline.errors import ConfigError, ReviewRefused
from pipeline.screening.decisions.life import Made, Status
from pipeline.screening.decisions.release import allow, release, release_folder, stands
from pipeline.screening.decisions.subject import subject_of
from tests.pipeline.screening.decisions.smallshow import SHOT, frame_of, write_show, write_version

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
STRICT = "[review]\nrequire_approval = true\n"


def approval(folder, role: str = "supervisor") -> Made:
    subject = subject_of(folder)
    return Made("approve", "ada", role, NOON, subject.digest, detail=subject.plain())


def test_an_approved_version_is_released_byte_for_byte(tmp_path):
    file = write_show(tmp_path, STRICT)
    folder, shot = write_version(file), load_shot(file)
    now = stands(folder, [approval(folder)], thorough=True)
    allow(shot, 1, now, "artist")

    done = release(shot, 1, now, release_folder(shot, tmp_path / "show.toml"), "bob", NOON)

    assert done.folder == tmp_path / "release/bp_010_0010_v001"
    for name in ("report.json", "report.html", *json.loads((folder / "report.json").read_text())["files"]):
        assert (done.folder / name).read_bytes() == (folder / name).read_bytes()
    note = json.loads((done.folder / "release.json").read_text())
    assert note["approved"] == {"by": "ada", "at": "2026-11-29T12:00:00+00:00"}
    assert note["digest"] == now.approval.digest
    assert not list((tmp_path / "release").glob(".*"))


def test_what_is_changed_in_the_delivery_later_does_not_change_what_left(tmp_path):
    file = write_show(tmp_path)
    folder, shot = write_version(file), load_shot(file)
    done = release(shot, 1, stands(folder, []), tmp_path / "release", "bob", NOON)

    with frame_of(folder, 1001).open("r+b") as frame:
        frame.write(b"X")

    assert frame_of(done.folder, 1001).read_bytes().startswith(b"pixels")


@pytest.mark.parametrize(
    ("decide", "line"),
    [
        (lambda folder: [], "cannot deliver. It is not approved"),
        (lambda folder: [approval(folder, "client")], "It is not approved"),
        (lambda folder: [approval(folder), Made("request_changes", "ada", "client", NOON)], "Changes were requested"),
        (lambda folder: [approval(folder), Made("withdraw", "ada", "admin", NOON)], "It is not approved"),
        (lambda folder: [approval(folder), Made("deliver", "bob", "artist", NOON)], "that is final"),
    ],
)
def test_what_is_not_approved_does_not_leave(tmp_path, decide, line):
    file = write_show(tmp_path, STRICT)
    folder = write_version(file)

    with pytest.raises(ReviewRefused, match=line):
        allow(load_shot(file), 1, stands(folder, decide(folder), thorough=True), "artist")


def test_a_pixel_changed_after_approval_keeps_it_here(tmp_path):
    file = write_show(tmp_path, STRICT)
    folder = write_version(file)
    decided = [approval(folder)]
    frame_of(folder, 1007).write_bytes(b"other pixels")
    now = stands(folder, decided)

    assert now.status is Status.VOID
    with pytest.raises(ReviewRefused, match=r"bp_010_0010 v001: cannot deliver \(void: frame 1007 changed\)"):
        allow(load_shot(file), 1, now, "artist")


def test_a_show_that_asks_for_nothing_delivers_at_once(tmp_path):
    file = write_show(tmp_path)
    folder = write_version(file)

    allow(load_shot(file), 1, stands(folder, []), "artist")


def test_a_damaged_file_stops_the_release_and_leaves_nothing(tmp_path):
    file = write_show(tmp_path)
    folder, shot = write_version(file), load_shot(file)
    (folder / "bp_010_0010_comp_v001.mp4").write_bytes(b"another movie")

    with pytest.raises(ReviewRefused, match=r"mp4 changed since it was delivered"):
        release(shot, 1, stands(folder, []), tmp_path / "release", "bob", NOON)

    assert not list((tmp_path / "release").iterdir())


def test_a_released_version_is_not_released_again(tmp_path):
    file = write_show(tmp_path)
    folder, shot = write_version(file), load_shot(file)
    release(shot, 1, stands(folder, []), tmp_path / "release", "bob", NOON)

    with pytest.raises(ReviewRefused, match="released already"):
        release(shot, 1, stands(folder, []), tmp_path / "release", "bob", NOON)


def test_a_version_without_written_consent_stays(tmp_path):
    asks = "[review]\nrequire_consent = true\n"
    file = write_show(tmp_path, asks)
    folder = write_version(file)
    with pytest.raises(ReviewRefused, match=r"Add final_pixels and talent to \[consent\]"):
        allow(load_shot(file), 1, stands(folder, []), "artist")

    write_show(tmp_path, asks, SHOT + '\n[consent]\nfinal_pixels = "letter, 2026-11-02"\ntalent = "none"\n')

    allow(load_shot(file), 1, stands(folder, []), "artist")


@pytest.mark.parametrize(
    ("review", "line"),
    [
        ("[review]\nrequire_aproval = true\n", "Did you mean 'require_approval'"),
        ("[review]\nrequire_approval = 1\n", "expected true or false"),
        ('[consent]\ntalent = "x"\n', r"\[consent\] belongs into a shot file"),
    ],
)
def test_the_policy_is_read_strictly(tmp_path, review, line):
    file = write_show(tmp_path, review)

    with pytest.raises(ConfigError, match=line):
        load_shot(file)
