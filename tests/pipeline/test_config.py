"""Shot and show files: what is read, and one clear line for what is wrong."""

from __future__ import annotations

import re

import pytest

from pipeline.config import load_shot
from pipeline.crowd_sections import CrowdBrief, CrowdDust, Wave
from pipeline.errors import ConfigError
from pipeline.fingerprint import section_digest
from pipeline.output_sections import OutputBrief, WorkFiles
from pipeline.provider_sections import DepthModel, IdentityModel
from pipeline.scaffold import begin_show
from pipeline.sections import CameraFacts, CrowdPicks, PlateSource, SetBrief, SetPicks

SHOT = '[shot]\nname = "sh_0010"\n[plate]\npath = "plate.mov"\n'


@pytest.fixture
def shot_file(tmp_path):
    def write(text):
        file = tmp_path / "shot.toml"
        file.write_text(text)
        return file

    return write


def test_what_init_writes_can_be_read(tmp_path):
    begin_show(tmp_path / "arena")

    shot = load_shot(tmp_path / "arena/shot.toml")

    assert shot.info.name == "arena_0010"
    assert shot.build == tmp_path / "arena/build/arena_0010"
    assert shot.sections[CrowdBrief].zones[0].count == 120


def test_what_init_suggests_for_the_crowd_can_be_read_too(tmp_path):
    begin_show(tmp_path)
    file = tmp_path / "shot.toml"
    before, crowd = file.read_text().split("[crowd]")
    crowd, after = crowd.split("[[set.pieces]]")
    uncommented = re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", crowd).replace('facing = "camera"', "ranks = 4")
    uncommented = re.sub(r"(?m)^path_px.*$", "", uncommented)
    file.write_text(f"{before}[crowd]{uncommented}[[set.pieces]]{after}")

    brief = load_shot(file).sections[CrowdBrief]

    assert brief.zones[0].start_frame == 1024
    assert brief.zones[0].wave == Wave(90, 6)
    assert len(brief.keep_out) == 1
    assert brief.overrides[0].remove


def test_init_overwrites_nothing(tmp_path):
    begin_show(tmp_path)

    with pytest.raises(ConfigError, match="is there already"):
        begin_show(tmp_path)


def test_paths_are_relative_to_the_shot_file(shot_file, tmp_path):
    assert load_shot(shot_file(SHOT)).sections[PlateSource].path == tmp_path / "plate.mov"


def test_set_reaches_sections_and_stages(shot_file):
    shot = load_shot(shot_file(SHOT), ("camera.height_m=2.5", "composite.light_wrap_px=4", "plate.colorspace=ACEScct"))

    assert shot.sections[CameraFacts].height_m == 2.5
    assert shot.stages["composite"] == {"light_wrap_px": 4}
    assert shot.sections[PlateSource].colorspace == "ACEScct"


def test_show_settings_are_overridden_by_the_shot(shot_file, tmp_path):
    (tmp_path / "show.toml").write_text(
        '[show]\nname="s"\n[stages.composite]\nlight_wrap_px = 2\n[camera]\nheight_m = 1.5\n'
    )

    shot = load_shot(shot_file(SHOT + "[stages.composite]\nlight_wrap_px = 9\n"))

    assert shot.stages["composite"]["light_wrap_px"] == 9
    assert shot.sections[CameraFacts].height_m == 1.5


def test_the_shows_depth_model_lies_beside_the_show_file(shot_file, tmp_path):
    (tmp_path / "show.toml").write_text('[show]\nname="s"\n[depth]\nmodel = "models/depth"\n')

    assert load_shot(shot_file(SHOT)).sections[DepthModel].model == tmp_path / "models/depth"


def test_the_shows_image_encoder_lies_beside_the_show_file(shot_file, tmp_path):
    (tmp_path / "show.toml").write_text('[show]\nname="s"\n[identity]\nmodel = "models/clip"\n')

    assert load_shot(shot_file(SHOT)).sections[IdentityModel].model == tmp_path / "models/clip"
    with pytest.raises(ConfigError, match=r"unknown section \[identity\]"):
        load_shot(shot_file(SHOT + '[identity]\nmodel = "other"\n'))


def test_how_frames_are_packed_is_the_shows_until_the_shot_says_otherwise(shot_file, tmp_path):
    (tmp_path / "show.toml").write_text(
        '[show]\nname="s"\n[output]\ncompression = "piz"\n[work]\ncompression = "zstd"\n'
    )

    shot = load_shot(shot_file(SHOT + '[output]\ncompression = "dwaa:45"\n'))

    assert (shot.sections[OutputBrief].compression, shot.sections[WorkFiles].compression) == ("dwaa:45", "zstd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("what is this?", "is not valid TOML"),
        (SHOT + "[crwod]\n", r"unknown section \[crwod\]. Did you mean 'crowd'"),
        (SHOT + '[output]\ncompression = "dwaa:900"\n', r"\[output\].*its level must be above 0 and at most 500"),
        (SHOT + '[work]\ncompression = "dwaa"\n', r"\[work\].*loses colour at every stage"),
        (SHOT.replace("path", "pth"), r"\[plate\]: unknown key 'pth'. Did you mean 'path'"),
        ('[shot]\nname = "a/b"\n[plate]\npath = "x"\n', "may hold only letters"),
        ('[shot]\nname = "a"\n', r"\[shot\] and \[plate\] are needed"),
        (SHOT + '[crowd]\nprovider = "cloud"\n', "not allowed by the show's policy"),
        (SHOT + '[camera]\nheight_m = "tall"\n', r"\[camera\].height_m: expected a number"),
        ("stages = 3\n" + SHOT, "one table per stage"),
    ],
)
def test_bad_shot_files_name_the_place(shot_file, text, message):
    with pytest.raises(ConfigError, match=message):
        load_shot(shot_file(text))


def test_a_missing_file_a_folder_and_binary_each_get_their_line(tmp_path):
    (tmp_path / "shot.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not text"):
        load_shot(tmp_path / "shot.toml")
    with pytest.raises(ConfigError, match="is a folder"):
        load_shot(tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        load_shot(tmp_path / "other.toml")


def test_a_sun_below_the_ground_is_refused(shot_file):
    with pytest.raises(ConfigError, match=r"\[light\]: sun_elevation_deg is -20, must be -5 to 90"):
        load_shot(shot_file(SHOT + "[light]\nsun_elevation_deg = -20\n"))


def test_a_pick_of_the_season_holds_until_a_shots_own(tmp_path, shot_file):
    (tmp_path / "show.toml").write_text('[crowd.picks]\nlegionary = "t02"\narcher = "t03"\nofficer = "t04"\n')
    file = shot_file(SHOT + '[crowd.picks]\narcher = "t01"\nofficer = ""\n')

    assert load_shot(file).sections[CrowdPicks].takes == (("archer", "t01"), ("legionary", "t02"))


def test_dust_lays_nothing_out_again_and_reaches_its_stage(shot_file):
    zone = '[[crowd.zones]]\nname = "north"\ncount = 9\npolygon_m = [[0, 0], [9, 0], [9, 9]]\n'
    plain = load_shot(shot_file(SHOT + "[crowd]\nseed = 3\n" + zone)).sections
    words = "[crowd]\nseed = 3\ndust = 0.5\ndust_wind_mps = [1.0, -2.0]\n"
    dusty = load_shot(shot_file(SHOT + words + zone + "dust = 2.0\n")).sections

    assert section_digest(dusty[CrowdBrief]) == section_digest(plain[CrowdBrief])
    assert section_digest(dusty[CrowdDust]) != section_digest(plain[CrowdDust])
    assert dusty[CrowdDust] == CrowdDust(0.5, None, (1.0, -2.0), (("north", 2.0),))
    assert dusty[CrowdDust].some
    assert not plain[CrowdDust].some


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("dust = -1.0", "dust is -1, must be 0 to 10"),
        ("dust_rgb = [0.2, 0.2, 1.5]", "dust_rgb is 1.5"),
        ("dust_wind_mps = [50.0, 0.0]", "dust_wind_mps is 50, must be -30 to 30"),
    ],
)
def test_dust_beyond_reason_is_refused(shot_file, words, said):
    with pytest.raises(ConfigError, match=said):
        load_shot(shot_file(f"{SHOT}[crowd]\n{words}\n"))


def test_picks_lay_nothing_out_again(shot_file):
    pieces = '[[set.pieces]]\nname = "gate"\nbase_px = [1, 2]\n'
    plain = load_shot(shot_file(SHOT + pieces)).sections
    picked = load_shot(shot_file(SHOT + pieces + 'take = "t03"\n[crowd.picks]\nlegionary = "t02"\n')).sections

    assert picked[SetPicks].takes == (("gate", "t03"),)
    for brief in (CrowdBrief, SetBrief):
        assert section_digest(picked[brief]) == section_digest(plain[brief])
    for picks in (CrowdPicks, SetPicks):
        assert section_digest(picked[picks]) != section_digest(plain[picks])


@pytest.mark.parametrize("take", ["t2", "t00", "t65", "../t01"])
def test_what_is_no_takes_name_is_refused_at_once(shot_file, take):
    with pytest.raises(ConfigError, match=r"crowd.picks.*legionary = .* is no take's name. Write t01 to t64"):
        load_shot(shot_file(f'{SHOT}[crowd.picks]\nlegionary = "{take}"\n'))
