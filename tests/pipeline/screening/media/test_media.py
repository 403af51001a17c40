"""Proxies, stills, thumbnails and the process that makes them, on frames that carry their number."""

import os
import time

import numpy as np
import pytest

from pipeline.errors import FormatError
from pipeline.frames import FrameRate
from pipeline.io import exr, images
from pipeline.screening.media.child import Child
from pipeline.screening.media.desk import Desk
from pipeline.screening.media.proxies import Proxies, make
from pipeline.screening.media.stills import Still, Stills
from pipeline.screening.media.views import picture, steady_range, views_of
from tests.pipeline.screening.numbered import CELL_PX, HEIGHT, WIDTH, blocks, deliver, number


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return deliver(tmp_path_factory.mktemp("show"), FrameRate(24000, 1001), frames=5)


def quiet(_):
    return None


def streams(path):
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [(f.pts * f.time_base, f.key_frame, f.to_ndarray(format="rgb24")) for f in container.decode(stream)]
        return stream.codec_context.name, stream.pix_fmt, stream.average_rate, frames


# ---------------------------------------------------------------- views


def test_the_views_of_a_version_follow_its_channels(shot):
    assert [v.name for v in views_of(shot)] == ["comp", "plate", "layer.crowd", "depth", "matte", "ids"]
    assert [v.name for v in views_of(shot) if v.graded] == ["comp", "plate", "layer.crowd"]


def test_every_view_is_a_picture_of_the_frame(shot):
    for view in views_of(shot):
        shown = picture(shot, view.name, 1003)

        assert shown.shape == (HEIGHT, WIDTH, 3)
        assert shown.dtype == np.uint8
    assert number(picture(shot, "comp", 1003)) == number(picture(shot, "plate", 1003)) == 1003
    assert (picture(shot, "plate", 1003).max(axis=(0, 1)) > 100).tolist() == [True, False, False]


def test_exposure_is_in_scene_light(shot):
    """Two stops up on a half is the display's picture of 2: no video could show it."""
    from pipeline.io import color

    wanted = color.to_display_8bit(blocks(1003).astype(np.float32) * 4)

    np.testing.assert_array_equal(picture(shot, "comp", 1003, exposure_ev=2.0), wanted)


def test_depth_is_drawn_between_the_same_depths_in_every_frame(shot):
    near_far = steady_range(shot)

    assert near_far == (10.0, 14.0)
    first, last = (picture(shot, "depth", f, near_far=near_far)[0, 0].astype(int).sum() for f in (1001, 1005))
    assert first > last  # it moved away: darker


def test_a_view_or_frame_that_is_not_there_is_said(shot):
    with pytest.raises(FormatError, match="no plate of frame 1099"):
        picture(shot, "plate", 1099)
    with pytest.raises(FormatError, match="has no channel"):
        picture(shot, "layer.dust", 1001)


# ---------------------------------------------------------------- proxies


def test_a_proxy_is_all_key_frames_at_the_exact_rate(shot, tmp_path):
    file = tmp_path / "comp.mp4"

    unread = make(quiet, shot, "comp", file)

    codec, pixels, rate, frames = streams(file)
    assert (codec, pixels, rate) == ("h264", "yuv420p", shot.rate.fraction)
    assert all(key for _, key, _ in frames)
    assert [at for at, _, _ in frames] == [i / shot.rate.fraction for i in range(5)]
    assert [number(rgb) for _, _, rgb in frames] == [1001, 1002, 1003, 1004, 1005]
    assert unread == []
    head = file.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")  # it plays before it is whole


def test_a_frame_that_cannot_be_read_keeps_its_place(tmp_path):
    made = deliver(tmp_path, FrameRate(25), frames=4)
    made.comp.path(1002).write_bytes(b"no picture")

    unread = make(quiet, made, "comp", tmp_path / "comp.mp4")

    frames = [rgb for _, _, rgb in streams(tmp_path / "comp.mp4")[3]]
    assert unread == [1002]
    assert [number(rgb) for i, rgb in enumerate(frames) if i != 1] == [1001, 1003, 1004]
    red, green, blue = frames[1][-2, 1].astype(int)
    assert red > green + 20
    assert red > blue + 20


def test_no_frame_at_all_is_an_error(tmp_path):
    made = deliver(tmp_path, FrameRate(25), frames=2)
    for path in made.comp:
        path.unlink()

    with pytest.raises(FormatError, match="no frame of comp can be read"):
        make(quiet, made, "comp", tmp_path / "comp.mp4")

    assert not (tmp_path / "comp.mp4").exists()


def test_a_proxy_is_made_once_and_again_when_a_pixel_changes(tmp_path):
    made = deliver(tmp_path, FrameRate(24), frames=3)
    proxies = Proxies(tmp_path / "_review")
    try:
        first = finished(proxies, made)
        changed = first.file.stat().st_mtime_ns
        again = proxies.want(made, "comp")
        exr.write(made.comp.path(1002), {c: blocks(2047)[..., i] for i, c in enumerate("RGB")})
        other = finished(proxies, made)
    finally:
        proxies.close()

    assert (first.done, first.total, first.message) == (3, 3, "")
    assert again.file == first.file
    assert again.state == "ready"
    assert other.file != first.file
    assert changed
    assert [number(rgb) for _, _, rgb in streams(other.file)[3]] == [1001, 2047, 1003]
    assert [f.name for f in other.file.parent.iterdir()] == [other.file.name]


def finished(proxies, footage):
    until = time.monotonic() + 60
    while (state := proxies.want(footage, "comp")).state not in ("ready", "failed"):
        assert time.monotonic() < until
        time.sleep(0.05)
    return state


# ---------------------------------------------------------------- stills


def test_a_still_is_the_view_of_the_frame(shot, tmp_path):
    stills = Stills(tmp_path)
    try:
        png = images.decode_png(stills.get(shot, Still("comp", 1004)), "still")
        bright = images.decode_png(stills.get(shot, Still("plate", 1004, gamma=2.0, width_px=32)), "still")
        thumbnail = stills.thumbnail(shot)
        seen = thumbnail.stat().st_mtime_ns
        again = stills.thumbnail(shot).stat().st_mtime_ns
        with pytest.raises(FormatError, match="no plate of frame 1099"):
            stills.get(shot, Still("plate", 1099))
    finally:
        stills.close()

    np.testing.assert_array_equal(png, picture(shot, "comp", 1004))
    assert bright.shape[1] == 32
    wanted = 255 * (picture(shot, "plate", 1004)[CELL_PX // 2, CELL_PX + 8] / 255) ** 0.5
    np.testing.assert_allclose(bright[4, 12], wanted, atol=1)
    assert seen == again


@pytest.mark.parametrize("wrong", [{"exposure_ev": 99.0}, {"gamma": 0.0}, {"gamma": float("nan")}, {"width_px": 1}])
def test_a_still_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="are possible"):
        Still("comp", 1001, **wrong)


# ---------------------------------------------------------------- the process


def hang(tell):
    tell("begun")
    time.sleep(60)


def die(_tell):
    os._exit(3)


def fail(_tell):
    raise ValueError("a bug")


def double(_tell, value):
    return 2 * value


def test_a_reader_that_hangs_or_dies_is_replaced():
    child, heard = Child(0.8), []
    child.limit_s = 20.0  # the first answer waits for the process to start
    assert child.run(double, 4) == 8
    child.limit_s = 0.5
    try:
        with pytest.raises(FormatError, match="nothing was heard"):
            child.run(hang, told=heard.append)
        child.limit_s = 20.0
        assert child.run(double, 2) == 4
        with pytest.raises(FormatError, match="died"):
            child.run(die)
        with pytest.raises(FormatError, match="ValueError: a bug"):
            child.run(fail)
        assert child.run(double, 3) == 6
    finally:
        child.close()

    assert heard == ["begun"]


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("shot_name", "view"),
    [("..", "comp"), ("../x", "comp"), ("nn_010_0010", "../comp"), ("nn_010_0010", "layer.dust"), ("%2e%2e", "comp")],
)
def test_an_address_never_becomes_a_path(shot, tmp_path, shot_name, view):
    def find(name, version):
        return {("nn_010_0010", 1): shot}[name, version]

    desk = Desk(find, tmp_path)

    with pytest.raises(LookupError):
        desk.viewed(shot_name, 1, view)
    with pytest.raises(LookupError):
        desk.movie("nn_010_0010", 1, "comp.0000000000000000.mp4")
    with pytest.raises(LookupError):
        desk.framed("nn_010_0010", 1, Still("comp", 999))
    assert list(tmp_path.iterdir()) == []
