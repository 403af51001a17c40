"""Hair, moving arms and spill before uneven screens: alpha, colour and comp against rendered truth."""

import numpy as np
import pytest

from calibration.mattes.foreground import separate
from calibration.mattes.key import Despill, pull_key, without_screen
from calibration.mattes.screen import bare_screen, find_paint
from pipeline.errors import CalibrationError
from pipeline.kernels import key
from tests.matted import Person

FRAME = 4
WALL = (0.85, 0.8, 0.75)  # bright and grey: a green rim and a dark fringe both show on it
SMALL = {"width": 240, "height": 180, "strands": 120}


@pytest.fixture(scope="module", params=["green", "blue"])
def keyed(request):
    """What was shot, the screen found, and the matte pulled."""
    truth = Person(request.param, grain=0.002, **SMALL).render(FRAME)
    screen = bare_screen(truth.picture, find_paint(truth.picture))
    return truth, screen, pull_key(truth.picture, screen)


def test_the_bare_screen_is_found_behind_the_person(keyed):
    truth, screen, _ = keyed

    apart = np.abs(screen.bare / truth.back - 1)
    assert apart.mean() < 0.02
    assert apart[truth.alpha == 1].mean() < 0.03


def test_alpha_is_far_better_than_the_plain_colour_difference(keyed):
    truth, screen, alpha = keyed
    left = np.empty_like(alpha)
    key.remaining(truth.picture, screen.bare, screen.paint.primary, left)
    plain = np.clip(1 - left, 0, 1)

    error, before = ((a - truth.alpha) ** 2 for a in (alpha, plain))
    assert error.mean() < 0.4 * before.mean()
    assert np.abs(alpha - truth.alpha).mean() < 0.006


def test_the_core_is_whole_and_the_screen_is_empty(keyed):
    truth, _, alpha = keyed

    assert alpha[truth.alpha == 1].mean() > 0.995
    assert alpha[truth.alpha == 0].mean() < 0.002


def test_over_a_wall_nothing_glows_and_nothing_darkens(keyed):
    """Along soft edges the comp is the truth's on average, channel by channel: a rim of the screen would be a bias."""
    truth, screen, alpha = keyed
    front, _ = separate(truth.picture, alpha, screen.bare)
    front, _ = without_screen(front, screen, Despill(keep_light=0))  # the truth has no bounce in its place
    share = alpha[..., None]
    comp = share * front + (1 - share) * np.float32(WALL)

    edge = (truth.alpha > 0.02) & (truth.alpha < 0.98)
    bias = (comp - truth.over(WALL))[edge].mean(axis=0)
    naive = share * truth.picture + (1 - share) * np.float32(WALL)
    worst = np.abs((naive - truth.over(WALL))[edge].mean(axis=0)).max()
    assert (
        np.abs(bias).max() < 0.035
    )  # hair takes more of the screen's light than the head that its colour is known from
    assert np.abs(bias).max() < 0.6 * worst


def test_spill_comes_off_and_its_light_comes_back(keyed):
    truth, screen, _ = keyed
    out, light = without_screen(truth.picture, screen, Despill(limit=1.0))
    primary = screen.paint.primary
    rest = [c for c in range(3) if c != primary]

    inside = truth.alpha == 1
    over = out[inside][:, primary] - out[inside][:, rest].mean(axis=1)
    assert over.max() < 1e-5
    spilled = truth.picture[inside][:, primary] > truth.picture[inside][:, rest].mean(axis=1)
    assert (light[inside][spilled] > 0).all()


def test_holdout_and_garbage_are_obeyed():
    truth = Person("green", **SMALL).render(FRAME)
    screen = bare_screen(truth.picture, find_paint(truth.picture, "green"))
    part = np.zeros_like(truth.alpha)
    part[20:40, 10:30] = 1

    assert pull_key(truth.picture, screen, holdout=part)[25:35, 15:25].min() == 1
    assert pull_key(truth.picture, screen, garbage=1 - part).max() == 0


def test_a_screen_in_a_strange_colour_is_found_by_its_colour():
    truth = Person("green", **SMALL).render(FRAME)
    teal = np.ascontiguousarray(truth.picture[..., [0, 1, 1]] * np.float32([0.5, 1, 0.7]))

    paint = find_paint(teal, (0.085, 0.40, 0.28))

    assert paint.primary == 1
    assert paint.share > 0.5


def test_no_screen_is_said_with_what_to_do():
    grey = np.full((60, 80, 3), 0.3, np.float32)

    with pytest.raises(
        CalibrationError, match=r"no green screen found: its colour covers 0\.0% .*screen = \[r, g, b\]"
    ):
        find_paint(grey, "green")


def test_a_clean_plate_of_another_exposure_is_followed():
    truth = Person("green", grain=0, **SMALL).render(FRAME)
    paint = find_paint(truth.picture)

    followed = bare_screen(truth.picture, paint, clean=np.ascontiguousarray(1.4 * truth.back))

    guessed = bare_screen(truth.picture, paint)
    inside = truth.alpha == 1
    error, before = (np.abs(s.bare / truth.back - 1)[inside].mean() for s in (followed, guessed))
    assert error < 0.5 * before
