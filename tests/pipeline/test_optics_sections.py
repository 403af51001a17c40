"""[lens] in the shot file: one focus or keys, and what is refused."""

import pytest

from pipeline.config import load_shot
from pipeline.errors import ConfigError
from pipeline.optics_sections import LensFacts

SHOT = '[shot]\nname = "a"\n[plate]\npath = "p.mov"\n'


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("", ()),
        ("focus_m = 12.5", ((0, 12.5),)),
        ("focus_m = inf", ((0, float("inf")),)),
        ("focus_m = [[1001, 5.0], [1024, 34]]", ((1001, 5.0), (1024, 34.0))),
    ],
)
def test_focus_is_metres_or_keys(tmp_path, written, keys):
    (tmp_path / "shot.toml").write_text(f"{SHOT}[lens]\nf_number = 2.8\n{written}\n")

    lens = load_shot(tmp_path / "shot.toml").sections[LensFacts]

    assert lens.f_number == 2.8
    assert lens.focus_keys == keys


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("focus_m = [[1024, 5.0], [1001, 34.0]]", "key 1001 comes after key 1024"),
        ("focus_m = 0.0", "0.05 m or more"),
        ("focus_m = []", "holds no key"),
        ("f_number = 0.1", "f_number is 0.1"),
        ("blades = 3", "blades is 3"),
        ("fstop = 2.8", "unknown key 'fstop'"),
    ],
)
def test_what_is_refused_names_the_field(tmp_path, written, told):
    (tmp_path / "shot.toml").write_text(f"{SHOT}[lens]\n{written}\n")

    with pytest.raises(ConfigError, match=told):
        load_shot(tmp_path / "shot.toml")
