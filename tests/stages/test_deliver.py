"""deliver: the same bytes under delivery names, a movie that says its frame, a report that hides nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.sprites.embedding import packed_all
from calibration.look.tonestats import Tones
from pipeline.errors import ConfigError, StoreError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr, images, video
from pipeline.io.files import sha256
from pipeline.output_sections import OutputBrief
from pipeline.review import slate
from pipeline.sections import DeliveryBrief, ShotInfo
from pipeline.types import (
    CharacterAtlas,
    Comp,
    CrowdLayout,
    Delivery,
    DepthMaps,
    Ground,
    Layer,
    Layers,
    Look,
    Mattes,
    PlateLight,
    SetPaintings,
    SkyLayer,
    TrackReport,
)
from stages.deliver import Params, deliver
from tests.looks import write_hand_grades
from tests.scenes import Scene, write_shot

FRAMES = 6
DIGEST = "c0ffee" * 10


@dataclass
class Made:
    """A whole shot on disk as the stages before would leave it."""

    given: dict[str, Any]
    out: Path

    def deliver(self, **changes: Any) -> Delivery:
        return deliver(**{**self.given, "params": Params(sheet_frames=3), "out": self.out, **changes})


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def cast_entry(red: float, recipe: str) -> dict[str, Any]:
    """A character of one part in an atlas's index."""
    part = {"rgb": [red, 0.2, 0.1], "lab": [50.0, 20.0, 30.0], "spread": 1.5, "px": 900}
    person = {"parts": {"tunic": part}, "shape": {"march": {"0": [1.7, 0.6]}}}
    [point] = packed_all(np.array([[red, np.sqrt(1 - red**2)]]))
    seen = {"encoder": "e", "persons": {"0": {"march 0": point}}, "references": packed_all(np.array([[1.0, 0.0]]))}
    return {"version": 3, "recipe": recipe, "take": "t02", "seed": 2, "persons": {"0": person}, "seen": seen}


def picture(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write_png(path, np.full((40, 60, 3), level, np.uint8))
    return path


def crowd_of(folder: Path, frames: FrameRange) -> CrowdLayout:
    agents = [
        {"id": i + 1, "zone": "left" if i < 2 else "right", "character": "legionary", "motion": "march"}
        for i in range(5)
    ]
    for name in ("positions", "yaws", "phases", "motions"):
        np.save(folder / f"{name}.npy", np.zeros((len(frames), 5)))
    return CrowdLayout(
        write_json(folder / "agents.json", agents),
        *(folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")),
        frames,
        5,
        ("march",),
    )


def flicker_of(frame: int, mean: float) -> dict[str, float]:
    return {"mean": mean, "most": 5 * mean, "whole": 0.001 * (frame % 2), "followed": 0.6}


def layers_of(folder: Path, frames: FrameRange) -> Layers:
    numbers = FrameFiles(folder, "layers.%04d.json", frames)
    for frame in frames:
        write_json(
            numbers.path(frame), {"crowd": {"exposure_stops": 0.1 * (frame % 2), "flicker": flicker_of(frame, 0.07)}}
        )
    files = FrameFiles(folder, "crowd.%04d.exr", frames)
    return Layers((Layer("crowd", files, folder / "ids.json"),), files, numbers)


def comp_of(folder: Path, plate: FrameFiles, scene: Scene) -> Comp:
    files = FrameFiles(folder, "comp.%04d.exr", plate.frames)
    numbers = FrameFiles(folder, "comp.%04d.json", plate.frames)
    for frame in plate.frames:
        rgb = exr.read_rgb(plate.path(frame))
        rgb[60:120, 100 + frame - 1001 : 140 + frame - 1001] = (0.4, 0.1, 0.05)
        planes = {n: exr.half(rgb[..., i]) for i, n in enumerate("RGB")}
        exr.write(files.path(frame), planes | {"depth.Z": scene.depth_m(frame)})
        found = {
            "outside_bit_identical": True,
            "nan": 0,
            "grain_ratio": [1.02, 0.97, 1.0 + 0.01 * (frame % 3)],
            "layers": {"crowd": {"coverage": 0.04 + 0.001 * (frame - 1001)}},
            "plate": {"key": 0.18, "flicker": flicker_of(frame, 0.045)},
        }
        write_json(numbers.path(frame), found)
    return Comp(files, numbers)


@pytest.fixture
def made(given: dict[str, Any], tmp_path: Path) -> Made:
    return Made(given, tmp_path / "out")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every receipt that deliver takes. Shared: a test that changes files changes a copy."""
    tmp_path = tmp_path_factory.mktemp("shot")
    scene = Scene(width=320, height=180, frames=FRAMES, actor=True)
    shot = write_shot(scene, tmp_path / "shot")
    frames = shot.plate.files.frames
    depth = FrameFiles(tmp_path / "depth", "depth.%04d.exr", frames)
    numbers = FrameFiles(tmp_path / "depth", "depth.%04d.json", frames)
    mattes = FrameFiles(tmp_path / "mattes", "matte.%04d.exr", frames)
    for frame in frames:
        z = scene.depth_m(frame)
        exr.write(depth.path(frame), {"Z": z, "C": np.ones_like(z)})
        exr.write(mattes.path(frame), {"A": exr.half(scene.matte(frame))})
        write_json(numbers.path(frame), {"median_relative_error": 0.01 + 0.001 * (frame % 4), "share_sky": 0.2})
    (tmp_path / "atlas").mkdir()
    other = tmp_path / "build/sh_0020/generate_crowd"
    write_json(other / "abc/index.json", {"characters": {"legionary": cast_entry(0.34, "another")}})
    write_json(other / "abc/receipt.json", {})
    write_json(other / "latest.json", {"fingerprint": "abc"})
    write_json(tmp_path / "atlas/index.json", {"characters": {"legionary": cast_entry(0.30, "this")}})
    np.save(tmp_path / "atlas/sprites.npy", np.zeros((7, 4, 4, 4), np.float16))
    atlas = CharacterAtlas(
        tmp_path / "atlas/sprites.npy",
        tmp_path / "atlas/reliefs.npy",
        tmp_path / "atlas/index.json",
        picture(tmp_path / "atlas/sheet.png", 90),
        provider="builtin",
        model_digest=DIGEST,
        licence="Apache-2.0",
    )
    paintings = SetPaintings(
        tmp_path / "set",
        write_json(tmp_path / "set/index.json", [{"piece": "wall"}]),
        picture(tmp_path / "set/sheet.png", 120),
        provider="builtin",
        model_digest=DIGEST,
        licence="Apache-2.0",
    )
    look = Look(
        write_json(
            tmp_path / "look/look.json", {"grain": {"sigmas": [[0.1]], "note": "moving"}, "tone": {"key": 0.18}}
        ),
        picture(tmp_path / "look/swatch.png", 60),
    )
    return {
        "shot": ShotInfo("ridge_010", version=3),
        "brief": DeliveryBrief(),
        "plate": replace(shot.plate, timecode="01:00:00:22"),
        "track": shot.track,
        "judged": TrackReport(
            write_json(tmp_path / "judged/track.html", "a page"),
            write_json(tmp_path / "judged/track.mp4", "a movie"),
            picture(tmp_path / "judged/track.png", 90),
            write_json(tmp_path / "judged/track.json", {}),
        ),
        "depth": DepthMaps(depth, figures=numbers),
        "mattes": Mattes(mattes, "supplied"),
        "crowd": crowd_of(tmp_path / "shot", frames),
        "atlas": atlas,
        "paintings": paintings,
        "look": look,
        "light": PlateLight(
            write_json(tmp_path / "light/light.json", {"azimuth_deg": 274.0, "disagreement_deg": 3.5}),
            (0.3, 0.35, 0.45),
        ),
        "grades": write_hand_grades(tmp_path / "grades", frames, Tones(exposure_ev=0.31)),
        "ground": Ground(
            tmp_path / "g.npy", 0, 0, 1, write_json(tmp_path / "ground/figures.json", {"residual_m": 0.02})
        ),
        "layers": layers_of(tmp_path / "layers", frames),
        "comp": comp_of(tmp_path / "comp", shot.plate.files, scene),
        "shared": tmp_path / "build/_show",
    }


class Page(HTMLParser):
    """What a browser would load, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for k, v in attrs if k in ("src", "href", "poster")]
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(delivery: Delivery) -> Page:
    page = Page()
    page.feed(delivery.page.read_text())
    assert page.open == []
    return page


def test_frames_are_handed_on_byte_for_byte(made: Made) -> None:
    delivery = made.deliver()

    assert delivery.comp.path(1001).name == "ridge_010_comp_v003.1001.exr"
    for got, source in zip(delivery.comp, made.given["comp"].files, strict=True):
        assert got.read_bytes() == source.read_bytes()


def test_every_file_is_named_by_the_receipt(made: Made) -> None:
    delivery = made.deliver()

    named = {*delivery.comp, delivery.movie, delivery.contact_sheet, delivery.report, delivery.page, delivery.ab}
    named |= {*delivery.crops.iterdir(), *delivery.track.iterdir()}
    assert {f for f in made.out.rglob("*") if f.is_file()} == named


def test_the_movie_has_every_frame_and_a_band_below(made: Made) -> None:
    delivery = made.deliver()
    info, frames = video.probe(delivery.movie), list(video.read_frames(delivery.movie))

    assert (info.frame_count, len(frames), info.timecode) == (FRAMES, FRAMES, "01:00:00:22")
    assert (info.width, info.height) == (320, 180 + slate.band_height(180))
    band = frames[2][180:]
    assert band.max() > 0.7  # letters
    assert np.median(band) == pytest.approx(slate.PAPER[1] / 255, abs=0.02)
    assert np.abs(frames[1][180:] - frames[2][180:]).max() > 0.3  # the frame number counts


def test_the_report_holds_every_figure(made: Made) -> None:
    delivery = made.deliver()
    report = json.loads(delivery.report.read_text())

    assert report["shot"] == {"name": "ridge_010", "version": 3, "frames": "1001-1006", "rate": "24"}
    assert report["camera"]["reprojection_error_px"] == made.given["track"].reprojection_error_px
    assert report["comp"]["frames"]["1003"]["layers"]["crowd"]["coverage"] == pytest.approx(0.042)
    assert report["comp"]["summary"]["grain_ratio"]["max"] == pytest.approx(1.02)
    assert report["depth"]["summary"]["median_relative_error"]["max"] == pytest.approx(0.013)
    assert report["crowd"]["zone"] == {"left": 2, "right": 3}
    assert report["generation"]["crowd"] == {
        "provider": "builtin", "model_digest": DIGEST, "licence": "Apache-2.0", "sprites": 7
    }  # fmt: skip
    assert report["look"]["tone"]["key"] == 0.18
    assert report["ground"] == {"residual_m": 0.02}
    assert report["layers"]["summary"]["crowd.exposure_stops"]["max"] == pytest.approx(0.1)
    for name, digest in report["files"].items():
        assert sha256(made.out / name) == digest
    assert all(check["good"] for check in report["checks"])


def test_the_page_stands_by_itself(made: Made) -> None:
    delivery = made.deliver()
    page = read_page(delivery)

    outside = {s for s in page.sources if not s.startswith(("data:image/jpeg;base64,", "data:image/png;base64,"))}
    assert outside == {delivery.movie.name, delivery.ab.name, "track/track.html"}
    for words in ("ridge_010_comp_v003", "Apache-2.0", DIGEST, "crowd coverage", "reprojection error", "supplied"):
        assert words in page.text


def test_flicker_of_the_layers_stands_beside_the_plates_own(made: Made) -> None:
    page = read_page(made.deliver())

    chapter = page.text.split("Flicker, frame by frame")[1].split("Comp, frame by frame")[0]
    for words in ("crowd, median of the means", "0.07", "plate, median of the means", "0.045", "crowd whole"):
        assert words in chapter
    assert page.text.count("crowd whole") == 1


def test_each_character_stands_beside_itself_in_the_shows_other_shots(made: Made) -> None:
    """Half as much again in red is 0.18 stops as a whole and leaves 5.4 of CIELAB."""
    delivery = made.deliver()

    [(shot, apart)] = json.loads(delivery.report.read_text())["identity"]["legionary"]["shots"].items()
    assert (shot, apart["worst_part"], apart["take"]) == ("sh_0020", "tunic", "t02")
    assert apart["delta_e"] == apart["worst_delta_e"] > 1
    text = read_page(delivery).text
    for words in ("legionary, version 3, t02: over views and phases", "legionary: against sh_0020", "another recipe",
                  "0.700 from its references to the encoder", "0.001 to the encoder"):  # fmt: skip
        assert words in text


def test_names_from_outside_are_no_markup(made: Made) -> None:
    plate = replace(made.given["plate"], metadata={"source": "<script>alert(1)</script>"})

    page = made.deliver(plate=plate).page.read_text()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_nothing_of_this_machine_is_written(made: Made, tmp_path: Path) -> None:
    delivery = made.deliver()

    for file in (delivery.report, delivery.page):
        assert str(tmp_path) not in file.read_text()


def test_the_same_shot_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    first, second = made.deliver(), made.deliver(out=tmp_path / "again")

    for name in ("movie", "ab", "contact_sheet", "report", "page"):
        assert getattr(first, name).read_bytes() == getattr(second, name).read_bytes()


def test_one_movie_shows_plate_and_comp_side_by_side(made: Made) -> None:
    """Left the plate, right the comp, of the same frame: where the box was added the halves differ, elsewhere they agree."""
    pictures = list(video.read_frames(made.deliver().ab))

    assert len(pictures) == FRAMES
    for picture in pictures:
        rgb = np.asarray(picture, np.float32)
        left, right = rgb[:180, : rgb.shape[1] // 2], rgb[:180, rgb.shape[1] // 2 :]
        change = np.abs(left - right).max(axis=2)
        assert change[70:110, 110:130].mean() > 0.1
        assert np.median(change) < 0.02


def test_what_changed_is_shown_to_the_last_bit(made: Made) -> None:
    delivery = made.deliver()
    [file] = delivery.crops.glob("*_difference.png")
    frame = int(file.name.split("_")[0])

    shown = np.rint(images.read_png(file) * 255)
    changed = np.zeros(shown.shape[:2], bool)
    changed[60:120, 100 + frame - 1001 : 140 + frame - 1001] = True
    assert (shown[~changed] == 0).all()
    assert (shown[changed].max(axis=1) >= 64).all()


def test_a_lossy_delivery_is_a_copy_and_says_what_it_lost(made: Made) -> None:
    delivery = made.deliver(output=OutputBrief("dwaa:100"))

    comp, lost = made.given["comp"].files, []
    for frame in delivery.comp.frames:
        first, copy = (exr.read(files.path(frame)) for files in (comp, delivery.comp))
        assert (first.compression, copy.compression) == ("zip", "dwaa")
        assert np.array_equal(first.channels["depth.Z"], copy.channels["depth.Z"])
        lost.append(max(np.abs(first.channels[c].astype(float) - copy.channels[c].astype(float)).max() for c in "RGB"))
    said = json.loads(delivery.report.read_text())["delivery"]
    assert said == {"compression": "dwaa:100", "most_lost_by_compression": pytest.approx(max(lost))}
    assert 0 < max(lost) < 0.1
    assert "dwaa:100" in read_page(delivery).text


def test_a_part_of_the_shot_can_be_delivered(made: Made) -> None:
    comp = made.given["comp"]
    part = FrameRange(1003, 1004)
    some = Comp(replace(comp.files, frames=part), replace(comp.figures, frames=part))

    delivery = made.deliver(comp=some)

    assert delivery.comp.frames == part
    assert video.probe(delivery.movie).timecode == "01:00:01:00"
    assert json.loads(delivery.report.read_text())["shot"]["frames"] == "1003-1004"


def test_what_is_wrong_is_said(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "comp"
    shutil.copytree(made.given["comp"].files.folder, folder)
    comp = Comp(*(replace(f, folder=folder) for f in (made.given["comp"].files, made.given["comp"].figures)))
    broken = exr.read_rgb(comp.files.path(1002))
    broken[3, 4, 0] = np.nan
    exr.write_rgb(comp.files.path(1002), broken)
    exr.write_rgb(comp.files.path(1005), exr.read_rgb(comp.files.path(1004)))
    write_json(comp.figures.path(1006), {"outside_bit_identical": False})

    delivery = made.deliver(comp=comp, track=replace(made.given["track"], reprojection_error_px=1.7))
    checks = {c["name"]: c for c in json.loads(delivery.report.read_text())["checks"]}

    assert checks["NaN or infinite values"]["said"] == "frames 1002"
    assert checks["frozen frames"]["said"] == "frames 1005"
    assert checks["plate outside the layers"]["said"] == "frames 1006"
    assert checks["reprojection error"]["said"] == "1.7 px"
    assert [c["good"] for c in checks.values()].count(False) == 4
    assert "look at it" in read_page(delivery).text


def test_a_supervisors_figures_are_judged_on_every_frame(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "comp"
    shutil.copytree(made.given["comp"].files.folder, folder)
    comp = Comp(*(replace(f, folder=folder) for f in (made.given["comp"].files, made.given["comp"].figures)))
    plate = {"black": [0.05, 0.05, 0.05], "white": [1.0, 1.0, 1.0]}
    crowd = {"black": [0.06, 0.04, 0.05], "white": [0.5, 0.5, 0.5], "fringe": [0.01, 0.02, 0.01]}
    for frame in comp.files.frames:
        good = {"plate": plate, "layers": {"crowd": crowd}, "grain_ratio": [1.0, 1.0, 1.0], "grain_repeats": 0.01}
        write_json(comp.figures.path(frame), good)
    wrong = {
        1002: {"layers": {"crowd": {**crowd, "fringe": [0.01, 0.01, 0.2]}}},
        1003: {"layers": {"crowd": {**crowd, "black": [0.05, 0.0, 0.05]}}},
        1004: {"layers": {"crowd": {**crowd, "white": [0.5, 0.5, 4.0]}}},
        1005: {"grain_bins": {"dark": [1.0, 1.5, 1.0]}},
        1006: {"grain_repeats": 0.99},
    }
    for frame, changes in wrong.items():
        write_json(comp.figures.path(frame), json.loads(comp.figures.path(frame).read_text()) | changes)

    checks = json.loads(made.deliver(comp=comp).report.read_text())["checks"]

    said = {c["name"].split(",")[0]: c["said"] for c in checks if not c["good"]}
    assert said == {
        "fringes along edges": "0.2 at 1002; beyond it: 1002",
        "layers darker than the plate's black": "0.05 at 1003; beyond it: 1003",
        "layers brighter than the plate's white": "2 at 1004; beyond it: 1004",
        "grain in the layers against the plate's": "0.5 at 1005; beyond it: 1005",
        "grain that stands still": "0.99 at 1006; beyond it: 1006",
    }


def test_an_anamorphic_plate_is_shown_square(made: Made) -> None:
    delivery = made.deliver(plate=replace(made.given["plate"], pixel_aspect=2.0))

    assert video.probe(delivery.movie).width == 640


def test_a_large_plate_is_shown_smaller(made: Made) -> None:
    delivery = made.deliver(params=Params(review_width_px=160))

    assert video.probe(delivery.movie).width == 160


def test_a_damaged_figure_file_is_named(made: Made, tmp_path: Path) -> None:
    (tmp_path / "look.json").write_text("{")

    with pytest.raises(StoreError, match=r"look\.json: cannot be read as JSON"):
        made.deliver(look=replace(made.given["look"], figures=tmp_path / "look.json"))


@pytest.mark.parametrize("wrong", [{"review_width_px": 1}, {"sheet_frames": 0}, {"review_crf": 60}])
def test_params_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="stage deliver"):
        Params(**wrong)


def test_a_wrong_view_is_named(made: Made) -> None:
    with pytest.raises(ConfigError, match=r"\[delivery\]\.view"):
        made.deliver(brief=DeliveryBrief(view="Film look"))


def test_the_report_tells_of_a_new_sky_and_of_cards(made: Made, given: dict[str, Any], tmp_path: Path) -> None:
    """Layers sky and far lie in the comp: the report names them, their share and their level, and the frames keep them."""
    frames = given["comp"].files.frames
    comp = FrameFiles(tmp_path / "comp", "comp.%04d.exr", frames)
    numbers, levels = (FrameFiles(tmp_path / name, f"{name}.%04d.json", frames) for name in ("figures", "sky"))
    for frame in frames:
        planes = exr.read(given["comp"].files.path(frame)).channels
        planes |= {f"{layer}.A": np.full(planes["R"].shape, 0.5, np.float16) for layer in ("sky", "far")}
        exr.write(comp.path(frame), planes)
        found = json.loads(given["comp"].figures.path(frame).read_text())
        found["layers"] |= {"sky": {"coverage": 0.21}, "far": {"coverage": 0.03, "fringe": [0.01, 0.01, 0.01]}}
        write_json(numbers.path(frame), found)
        write_json(levels.path(frame), {"gain_ev": 0.5, "level": "as bright as the plate's sky, 0.9", "air": 0.5})

    done = made.deliver(comp=Comp(comp, numbers), sky=SkyLayer(None, levels))

    page, report = Page(), json.loads(done.report.read_text())
    page.feed(done.page.read_text())
    assert "as bright as the plate's sky, 0.9" in page.text
    assert "The plate's sky was replaced" in page.text
    assert report["comp"]["frames"]["1001"]["layers"]["far"]["coverage"] == 0.03
    assert report["sky"]["1001"]["gain_ev"] == 0.5
    assert {"sky.A", "far.A"} <= set(exr.read(done.comp.path(1001)).channels)
