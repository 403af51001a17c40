"""[sky] in the shot file: what it may say, what is refused, and what it makes again."""

import pytest

from pipeline.config import load_shot
from pipeline.errors import ConfigError
from pipeline.fingerprint import section_digest
from pipeline.sky_sections import SkyBrief, SkyWanted

SHOT = '[shot]\nname = "a"\n[plate]\npath = "p.mov"\n'


def sky(tmp_path, written):
    (tmp_path / "shot.toml").write_text(f"{SHOT}{written}\n")
    return load_shot(tmp_path / "shot.toml").sections


def test_without_a_section_the_plate_keeps_its_sky(tmp_path):
    sections = sky(tmp_path, "")

    assert not sections[SkyBrief].some
    assert not sections[SkyWanted].some


def test_another_picture_pulls_no_matte_again(tmp_path):
    one = sky(tmp_path, '[sky]\npicture = "a.exr"\nyaw_deg = 3')
    other = sky(tmp_path, '[sky]\nmodel = "clear"\nexposure_ev = -1')

    assert one[SkyBrief].picture == tmp_path / "a.exr"
    assert section_digest(one[SkyWanted]) == section_digest(other[SkyWanted])
    assert section_digest(one[SkyBrief]) != section_digest(other[SkyBrief])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('model = "clear"\npicture = "a.exr"', "picture and model are both given"),
        ('model = "foggy"', 'must be one of "clear", "overcast"'),
        ('model = "clear"\nlevel = "sun"', 'must be one of "plate", "file"'),
        ('model = "clear"\nturbidity = 30', "turbidity is 30, must be 1.7 to 10"),
        ('model = "clear"\nfov_deg = 40', "are of a picture, and there is none"),
        ('picture = "a.exr"\nfov_deg = 40\nhorizon = 0.7', "horizon is of a panorama"),
        ('picture = "a.exr"\nfov_deg = 170', "fov_deg is 170"),
        ('picture = "a.exr"\nhorizon = 1.5', "horizon is 1.5"),
        ('picture = "a.exr"\nhaze = -1', "haze is -1, must be 0 to 1"),
        ('picture = "a.exr"\nexposure = 1', "Did you mean 'exposure_ev'"),
    ],
)
def test_what_does_not_fit_is_told_by_its_key(tmp_path, written, said):
    with pytest.raises(ConfigError, match=r"shot\.toml \[sky\]") as caught:
        sky(tmp_path, f"[sky]\n{written}")

    assert said in str(caught.value)
