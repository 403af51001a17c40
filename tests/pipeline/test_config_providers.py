"""[providers] of show.toml: what is read, what is refused, and what of it decides whether a result is made again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config import load_shot, load_show
from pipeline.errors import ConfigError
from pipeline.fingerprint import section_digest
from pipeline.plan import Made, job_for
from pipeline.provider_sections import (
    BUILTIN,
    BedrockModel,
    ComfyServer,
    Conduct,
    CrowdProviders,
    DiffusersFolder,
    SetProviders,
)
from pipeline.scaffold import begin_show
from pipeline.stage import stage
from pipeline.types import Plate

SHOT = '[shot]\nname = "sh_0010"\n[plate]\npath = "plate.mov"\n'
SHOW = """
[policy]
providers = ["builtin", "farm", "cloud"]
[providers.farm]
kind = "comfyui"
url = "http://127.0.0.1:8188"
workflow = "workflows/people.json"
slots = { seed = "3.seed" }
retries = 2
[providers.cloud]
kind = "bedrock"
model = "amazon.titan-image-generator-v2:0"
usd_per_picture = 0.01
most_usd = 25
"""


@pytest.fixture
def show(tmp_path):
    def write(show=SHOW, crowd='provider = ["cloud", "farm", "builtin"]'):
        (tmp_path / "show.toml").write_text(show)
        (tmp_path / "shot.toml").write_text(f"{SHOT}[crowd]\n{crowd}\n")
        return tmp_path / "shot.toml"

    return write


def test_providers_are_asked_in_the_order_in_which_the_brief_names_them(show, tmp_path):
    shot = load_shot(show())

    cloud, farm, ours = shot.sections[CrowdProviders].entries
    assert ours == BUILTIN
    assert cloud.settings == BedrockModel("amazon.titan-image-generator-v2:0")
    assert cloud.conduct == Conduct(usd_per_picture=0.01, most_usd=25)
    assert farm.settings == ComfyServer(
        "http://127.0.0.1:8188", tmp_path / "workflows/people.json", slots={"seed": "3.seed"}
    )
    assert farm.conduct == Conduct(retries=2)
    assert shot.sections[SetProviders].entries == (BUILTIN,)


def test_paths_are_relative_to_the_show_file(show, tmp_path):
    (tmp_path / "seq").mkdir()
    shot = show(
        '[policy]\nproviders = ["big"]\n[providers.big]\nkind = "diffusers"\nfolder = "models/sdxl"\n'
        '[providers.big.controlnets]\ndepth = "models/depth"\n',
        'provider = "big"',
    )
    moved = shot.rename(tmp_path / "seq/shot.toml")

    with pytest.raises(ConfigError, match="builtin"):  # the set's brief asks the built-in model, which is not named
        load_shot(moved)
    moved.write_text(moved.read_text() + '[set]\nprovider = "big"\n')
    (entry,) = load_shot(moved).sections[CrowdProviders].entries

    assert entry.settings == DiffusersFolder(tmp_path / "models/sdxl", controlnets={"depth": tmp_path / "models/depth"})


@pytest.mark.parametrize(
    ("changed", "crowd", "words"),
    [
        (SHOW, 'provider = "elsewhere"', r"'elsewhere' is not allowed by the show's policy \(builtin, farm, cloud\)"),
        (SHOW.replace('"cloud"]', '"cloudy"]'), 'provider = "cloudy"', r"Write \[providers.cloudy\].* mean 'cloud'"),
        (SHOW, "provider = []", "names nobody"),
        (SHOW, 'provider = ["farm", "farm"]', "names 'farm' twice"),
        (SHOW.replace('"bedrock"', '"bedrok"'), "", r"\[providers.cloud\]: it needs a kind. .*builtin, diffusers"),
        (SHOW.replace("kind =", "kinds ="), "", r"\[providers.farm\]: it needs a kind"),
        (SHOW.replace("retries", "retrys"), "", r"\[providers.farm\]: unknown key 'retrys'. Did you mean 'retries'"),
        (SHOW.replace("url =", "ulr ="), "", r"\[providers.farm\]: unknown key 'ulr'. Did you mean 'url'"),
        (SHOW.replace("url =", "# url ="), "", r"\[providers.farm\]: 'url' is missing"),
        (SHOW.replace("retries = 2", "retries = 99"), "", r"\[providers.farm\]: retries is 99, must be 0 to 20"),
        (SHOW.replace("= 25", "= -1"), "", r"\[providers.cloud\]: most_usd is -1.*must be 0 or more"),
        (SHOW.replace("= 25", '= "much"'), "", r"\[providers.cloud\].most_usd: expected a number"),
        (SHOW.replace("providers.farm", 'providers."a/b"'), "", r"name may hold only letters"),
        ("[providers]\nfarm = 1\n", "", r"write one table per provider"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_where(show, changed, crowd, words):
    with pytest.raises(ConfigError, match=words) as error:
        load_shot(show(changed, crowd))

    assert "\n" not in str(error.value)


def test_a_show_can_be_read_alone(show, tmp_path):
    show()

    read, shared = load_show(tmp_path / "show.toml")

    assert list(read.providers) == ["builtin", "farm", "cloud"]
    assert shared == tmp_path / "build/_show" == load_shot(tmp_path / "shot.toml").shared


def test_a_shot_file_in_its_place_is_said(show):
    with pytest.raises(ConfigError, match=r"\[shot\] belongs into a shot file"):
        load_show(show())


def test_what_init_suggests_for_providers_can_be_read(tmp_path):
    show_file, _ = begin_show(tmp_path / "arena")
    before, suggested = show_file.read_text().split("# [providers", 1)
    suggested, after = f"# [providers{suggested}".split("\n\n", 1)
    uncommented = "\n".join(line.removeprefix("# ") for line in suggested.splitlines())
    named = before.replace('["builtin"]', '["builtin", "farm", "cloud"]')
    show_file.write_text(f"{named}{uncommented}\n\n{after}")

    read, _ = load_show(show_file)

    assert {name: type(entry.settings) for name, entry in read.providers.items() if name != "builtin"} == {
        "farm": ComfyServer,
        "cloud": BedrockModel,
    }
    assert read.providers["cloud"].conduct.most_usd is not None


# ---------------------------------------------------------------- what decides


def digest(file):
    return section_digest(load_shot(file).sections[CrowdProviders])


def test_how_a_provider_is_asked_makes_nothing_again(show, tmp_path):
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows/people.json").write_text("{}")
    before = digest(show())

    changed = SHOW.replace("retries = 2", "retries = 7\ntimeout_s = 9\nper_minute = 30").replace("= 25", "= 99")

    assert digest(show(changed)) == before


def test_a_changed_workflow_makes_again_what_it_painted(show, tmp_path):
    (tmp_path / "workflows").mkdir()
    workflow = tmp_path / "workflows/people.json"
    workflow.write_text("{}")
    before = digest(show())

    workflow.write_text('{"3": {}}')

    assert digest(show()) != before


@pytest.mark.parametrize(
    ("was", "becomes"), [("3.seed", "4.seed"), ("titan-image-generator-v2", "titan-image-generator-v3")]
)
def test_another_model_or_slot_makes_again_what_it_painted(show, was, becomes):
    before = digest(show())

    assert digest(show(SHOW.replace(was, becomes))) != before


def test_another_order_of_preference_makes_again(show):
    assert digest(show()) != digest(show(SHOW, 'provider = ["farm", "cloud", "builtin"]'))


@dataclass(frozen=True, slots=True)
class Params:
    steps: int = 1


@stage
def with_shared(providers: CrowdProviders, params: Params, out: Path, shared: Path) -> Plate:
    raise NotImplementedError


@stage
def without_shared(providers: CrowdProviders, params: Params, out: Path) -> Plate:
    raise NotImplementedError


def test_a_stage_is_given_the_shows_folder_and_it_decides_nothing(show, tmp_path):
    shot = load_shot(show())
    made = {CrowdProviders: Made(shot.sections[CrowdProviders], "")}

    job, other = job_for(with_shared, shot, made), job_for(without_shared, shot, made)

    assert job.arguments["shared"] == tmp_path / "build/_show"
    assert "shared" not in other.arguments
    assert job.key == other.key
    assert "shared" not in with_shared.inputs
