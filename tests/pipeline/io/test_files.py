"""A file is written whole or not at all, and a full disk is one clear line that loses nothing."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.io.files import replacing, sha256, write_bytes

ROOT = Path(__file__).parent.parent.parent.parent
FILL = "import sys; from pathlib import Path; from pipeline.io.files import write_bytes; write_bytes(Path(sys.argv[1]), bytes(3_000_000))"


def test_a_failure_leaves_the_older_file_and_no_temporary_one(tmp_path):
    write_bytes(tmp_path / "a.bin", b"old")

    def half_written():
        with replacing(tmp_path / "a.bin") as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_written()

    assert [f.name for f in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


def test_a_full_disk_says_so_and_keeps_what_was_there(tmp_path, monkeypatch):
    write_bytes(tmp_path / "a.bin", b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no space left on the disk"):
        write_bytes(tmp_path / "a.bin", b"new")

    assert [f.name for f in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


@pytest.mark.skipif(
    not shutil.which("unshare") or os.geteuid() != 0, reason="needs root and unshare for a real full disk"
)
def test_a_really_full_disk(tmp_path):
    """A disk of 1 MB in a mount namespace of its own."""
    script = f'mount -t tmpfs -o size=1m none "{tmp_path}" && "{sys.executable}" -c "{FILL}" "{tmp_path}/a.bin"'

    said = subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=ROOT, capture_output=True, text=True)
    if "mount" in said.stderr:
        pytest.skip("this machine mounts nothing")

    assert "StoreError" in said.stderr
    assert "no space left on the disk" in said.stderr


def test_sha256_is_the_published_value(tmp_path):
    write_bytes(tmp_path / "abc", b"abc")

    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
