"""What an approval names: the pixels, and nothing that is not a pixel."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from pipeline.errors import ReviewRefused
from pipeline.screening.decisions.subject import Subject, changed, frame_words, read_report, subject_digest, subject_of
from tests.pipeline.screening.decisions.smallshow import frame_of, write_show, write_version


@pytest.fixture
def folder(tmp_path):
    return write_version(write_show(tmp_path))


def test_the_digest_is_over_sorted_frames_alone():
    report = {"files": {"exr/b.1002.exr": "22", "exr/a.1001.exr": "11", "a.mp4": "33"}}

    assert subject_digest(report) == hashlib.sha256(b"11  exr/a.1001.exr\n22  exr/b.1002.exr\n").hexdigest()
    assert subject_digest({"files": {**report["files"], "a.mp4": "44"}}) == subject_digest(report)


def test_what_is_approved_is_what_lies_there(folder):
    subject = subject_of(folder)

    assert subject.digest == subject_digest(read_report(folder))
    assert len(subject.files) == 8
    assert Subject.read(subject.digest, json.loads(json.dumps(subject.plain()))) == subject
    assert changed(folder, subject) == changed(folder, subject, thorough=True) == []


def test_a_changed_frame_cannot_be_approved(folder):
    frame_of(folder, 1003).write_bytes(b"other")

    with pytest.raises(ReviewRefused, match="frame 1003 changed since it was delivered"):
        subject_of(folder)


def test_a_missing_frame_cannot_be_approved(folder):
    frame_of(folder, 1003).unlink()

    with pytest.raises(ReviewRefused, match="frame 1003 is missing"):
        subject_of(folder)


def test_one_changed_byte_is_named_by_its_frame(folder):
    subject, file = subject_of(folder), frame_of(folder, 1005)
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")

    assert frame_words(changed(folder, subject)) == "frame 1005"


def test_a_file_that_was_only_touched_is_the_same(folder):
    subject, file = subject_of(folder), frame_of(folder, 1005)
    os.utime(file, ns=(1, 1))

    assert changed(folder, subject) == []


def test_a_change_that_hides_its_time_is_found_by_the_thorough_look(folder):
    subject, file = subject_of(folder), frame_of(folder, 1005)
    before = file.stat().st_mtime_ns
    file.write_bytes(b"\xff" + file.read_bytes()[1:])
    os.utime(file, ns=(before, before))

    assert changed(folder, subject) == []
    assert frame_words(changed(folder, subject, thorough=True)) == "frame 1005"


def test_a_version_delivered_anew_names_the_frames_that_differ(folder):
    subject, file = subject_of(folder), frame_of(folder, 1002)
    report = read_report(folder)
    file.write_bytes(b"made again")
    report["files"][f"exr/{file.name}"] = hashlib.sha256(b"made again").hexdigest()
    (folder / "report.json").write_text(json.dumps(report))

    assert frame_words(changed(folder, subject)) == "frame 1002"


def test_frames_that_came_or_went_are_named(folder):
    subject, report = subject_of(folder), read_report(folder)
    del report["files"][f"exr/{frame_of(folder, 1001).name}"]
    report["files"]["exr/bp_010_0010_comp_v001.1009.exr"] = "0" * 64
    (folder / "report.json").write_text(json.dumps(report))

    assert frame_words(changed(folder, subject)) == "frames 1001, 1009"


def test_without_its_report_everything_is_changed(folder):
    subject = subject_of(folder)
    (folder / "report.json").write_text("{}")

    assert frame_words(changed(folder, subject)) == "frames 1001-1008"
    with pytest.raises(ReviewRefused, match="no report of a delivery"):
        subject_of(folder)


def test_an_approval_that_kept_no_files_is_held_against_the_report(folder):
    bare = Subject(subject_of(folder).digest, {})
    assert changed(folder, bare) == []

    frame_of(folder, 1004).write_bytes(b"other")

    assert frame_words(changed(folder, bare)) == "frame 1004"


def test_a_report_that_names_files_elsewhere_is_refused(folder):
    (folder / "report.json").write_text(json.dumps({"files": {"exr/../../secret.1001.exr": "0" * 64}}))

    with pytest.raises(ReviewRefused, match="lies elsewhere"):
        subject_of(folder)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["exr/x.1017.exr"], "frame 1017"),
        ([f"exr/x.{i}.exr" for i in (1001, 1002, 1003, 1017)], "frames 1001-1003, 1017"),
        (["report.json"], "report.json"),
    ],
)
def test_frames_in_words(names, said):
    assert frame_words(names) == said
