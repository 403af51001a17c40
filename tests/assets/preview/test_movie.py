"""The preview's movie: people hidden by what stands before them, numbers that can be read and do not flicker."""

import numpy as np
import pytest

from assets.preview import labels
from assets.preview.backdrop import Backdrop, movie_size
from assets.preview.figures import Figures
from assets.preview.labels import LARGEST_PX, SMALLEST_PX, Label, size_for, thinned, zone_colours
from assets.preview.movie import burn_in, filtered, laid_over
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.types import DepthMaps, Mattes, Plate

FRAMES = FrameRange(1001, 1001)


def label(number, x, y=60.0, size=12):
    return Label(number, x, y, size, (255, 213, 79))


def plate_of(folder, width=64, height=36, pixel_aspect=1.0):
    return Plate(FrameFiles(folder, "plate.%04d.exr", FRAMES), width, height, pixel_aspect, FrameRate(24), "", "ACEScg")


@pytest.fixture
def backdrop(tmp_path):
    """A wall at 5 m on the left, open country at 100 m; a figure's matte at the right."""
    plate = plate_of(tmp_path)
    z, matte = np.full((36, 64), 100.0, np.float32), np.zeros((36, 64), np.float16)
    z[:, :20], matte[:, 50:] = 5.0, 1.0
    exr.write(tmp_path / "plate.1001.exr", {c: np.full((36, 64), 0.18, np.float16) for c in "RGB"})
    exr.write(tmp_path / "z.1001.exr", {"Z": z, "C": np.ones_like(z)})
    exr.write(tmp_path / "matte.1001.exr", {"A": matte})
    depths, mattes = (
        DepthMaps(FrameFiles(tmp_path, "z.%04d.exr", FRAMES)),
        FrameFiles(tmp_path, "matte.%04d.exr", FRAMES),
    )
    return Backdrop(plate, depths, Mattes(mattes, "supplied"), (36, 64))


def test_what_stands_before_people_hides_them(backdrop):
    visible = backdrop.visible(1001, np.full((36, 64), 40.0, np.float32))

    assert (visible[:, :18] == 0).all(), "the wall is nearer"
    assert (visible[:, 22:48] == 1).all()
    assert (visible[:, 52:] == 0).all(), "a matte stands before everything"


def test_somebody_before_the_wall_is_seen(backdrop):
    visible = backdrop.visible(1001, np.full((36, 64), 3.0, np.float32))

    assert (visible[:, :48] == 1).all()


def test_people_are_laid_over_the_plate_only_where_they_are(backdrop):
    agents = np.full((36, 64), -1, np.int32)
    agents[10:20, 30:40] = 0
    figures = Figures(np.full((36, 64), 40.0, np.float32), agents, np.full((36, 64), 0.5, np.float32))
    plate = backdrop.picture(1001)

    over = laid_over(plate, figures, np.ones((36, 64), np.float32), np.ones((1, 3), np.float32))

    assert (over[10:20, 30:40] == 128).all()
    assert np.ptp(over[agents < 0].reshape(-1, 3).mean(axis=1)) < 1
    assert over[0, 0].mean() < plate[0, 0].mean(), "the plate steps back"


def test_a_pixel_belongs_to_the_nearest_and_is_covered_by_its_share():
    agents = np.array([[-1, 3, -1, -1], [5, -1, -1, -1]], np.int32)
    depth = np.array([[np.inf, 9, np.inf, np.inf], [4, np.inf, np.inf, np.inf]], np.float32)
    shade = np.array([[0, 0.2, 0, 0], [0.6, 0, 0, 0]], np.float32)

    figures, cover = filtered(Figures(depth, agents, shade))

    assert figures.agents.tolist() == [[5, -1]]
    assert figures.depth.tolist() == [[4, np.inf]]
    np.testing.assert_allclose(figures.shade, [[0.4, 0]])
    np.testing.assert_allclose(cover, [[0.5, 0]])


def test_a_large_plate_is_shown_smaller_and_a_squeezed_one_desqueezed(tmp_path):
    assert movie_size(plate_of(tmp_path, 4096, 2160)) == (675, 1280)
    assert movie_size(plate_of(tmp_path, 960, 540)) == (540, 960)
    assert movie_size(plate_of(tmp_path, 960, 804, 2.0)) == (536, 1280)


def test_numbers_do_not_overlap():
    crowd = [label(100_000 + i, 40 + 7.0 * i, 60 + (i % 3)) for i in range(60)]

    shown = thinned(crowd, (100, 480), {})

    boxes = [labels._box(one) for one in shown.values()]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
    assert 10 < len(shown) < 60


def test_a_number_that_was_shown_stays_while_there_is_room():
    before = thinned([label(1, 100), label(2, 104)], (40, 200), {})
    assert set(before) == {1}

    after = thinned([label(2, 104), label(1, 100)], (40, 200), before)  # now 2 is nearer

    assert set(after) == {1}
    assert after[1].lift == before[1].lift


def test_numbers_that_would_be_cut_off_are_left_out():
    assert not thinned([label(123_456, 3), label(123_457, 197), label(123_458, 100, 2)], (200, 200), {})


def test_near_people_get_larger_numbers_and_far_ones_none():
    assert [size_for(tall) for tall in (5, 40, 60, 900)] == [0, SMALLEST_PX, 13, LARGEST_PX]


def test_a_number_is_written_in_its_colour():
    picture = np.full((60, 120, 3), 90, np.uint8)

    labels.draw(picture, {7: label(7, 60, 40, 20)})

    assert (picture == (255, 213, 79)).all(axis=2).sum() > 10
    assert picture[:10].min() == 90


def test_zones_keep_their_colours_in_order_of_mention():
    assert list(zone_colours(["b", "b", "a"])) == ["b", "a"]
    assert len(set(zone_colours([str(i) for i in range(8)]).values())) == 8


class Names:
    ids = np.arange(9)
    zones = tuple(f"a_zone_with_a_long_name_{i}" for i in range(9))


def test_many_zones_take_more_lines_and_cover_nothing_of_the_picture():
    picture = np.full((360, 640, 3), 77, np.uint8)

    out = burn_in(picture, "shot v001", 1001, Names())

    assert (out[:360] == 77).all()
    assert out.shape[0] % 2 == 0
    assert out.shape[0] > 360 + 60
