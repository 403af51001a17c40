"""What the report page tells, chapter by chapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.io import exr
from pipeline.review import figures
from pipeline.review.crops import Crop
from pipeline.review.gather import Sources, Watched
from pipeline.review.page import Compared, Picture, Report, Section, plain, render, words
from pipeline.review.plots import Series
from pipeline.review.screen import Screen, depth_picture, inline, inline_file, inline_png, matte_picture

Array = np.ndarray[Any, Any]


def page(
    sources: Sources,
    screen: Screen,
    plates: dict[int, Array],
    watched: Watched,
    measured: dict[str, Any],
    checks: tuple[figures.Check, ...],
    hashes: dict[str, str],
    movies: tuple[str, str],
    crops: tuple[Crop, ...],
) -> str:
    """The report page as HTML. plates: display pictures by frame; hashes: delivered file to SHA-256; movies: names of the
    comp's and of that with plate and comp side by side."""
    middle = list(plates)[len(plates) // 2]
    compared = tuple(
        Compared(f, sources.timecode(f), inline(plates[f]), inline(watched.shown[f]), f == middle) for f in plates
    )
    report = Report(
        title=sources.name,
        subtitle=sources.subtitle,
        movie=movies[0],
        ab=movies[1],
        crops=tuple(Picture(crop.title, inline_png(crop.file), crop.note) for crop in crops),
        poster=inline(watched.shown[min(plates)]),
        checks=checks,
        compared=compared,
        sections=tuple(sections(sources, screen, plates[middle], middle, measured)),
        files=hashes,
    )
    return render(report)


def sections(sources: Sources, screen: Screen, plate: Array, frame: int, measured: dict[str, Any]) -> Iterator[Section]:
    """The chapters in the order of the work. plate: the display picture of `frame`."""
    atlas, paintings = sources.atlas.contact_sheet, sources.paintings.contact_sheet
    yield _camera(sources, measured["camera"])
    yield _depth(sources, screen, plate, frame, measured["depth"])
    yield Section("Ground", facts=_facts(measured["ground"]))
    yield Section("Crowd", facts=_facts(measured["crowd"]), pictures=(Picture("Atlas", inline_file(atlas)),))
    if measured["identity"]:
        yield _identity(measured["identity"])
    yield Section("Set extension", pictures=(Picture("Paintings", inline_file(paintings)),))
    if measured["sky"]:
        yield _sky(measured)
    yield Section(
        "Look of the plate",
        "Measured once, and given to every layer.",
        _facts(_look_facts(measured["look"])),
        pictures=(Picture("Grain", inline_file(sources.look.swatch), "the plate's beside ours"),),
    )
    yield Section(
        "Layers, frame by frame",
        "What was done to each layer to sit in the plate.",
        series=_without_flicker(measured["layers"]["frames"]),
    )
    yield _steadiness(measured)
    yield Section("Comp, frame by frame", series=_without_flicker(measured["comp"]["frames"]))
    yield Section("Provenance", facts=_provenance(measured))


def _camera(sources: Sources, camera: dict[str, Any]) -> Section:
    lens, solve = sources.track.lens, camera["solve"]
    rest = {
        k: v for k, v in solve.items() if k not in ("frames", "lens", "keyframes", "error_px", "coverage_map", "zoom")
    }
    per_frame = {
        int(row["frame"]): {k: v for k, v in row.items() if k not in ("frame", "keyframe")}
        for row in solve.get("frames", [])
    }
    facts = {
        "reprojection error, median, px": sources.track.reprojection_error_px,
        "scale from": sources.track.scale_from,
        "focal length, px": (lens.focal_x_px, lens.focal_y_px),
        "lens centre, px": (lens.centre_x_px, lens.centre_y_px),
        "distortion k1, k2": (lens.k1, lens.k2),
        "distortion p1, p2": (lens.p1, lens.p2),
    }
    return Section(
        "Camera",
        "Solved from the plate. The error is the distance between where a point was tracked and where the solve sees it.",
        _facts(facts | rest),
        tuple(figures.series_of(per_frame)),
        (Picture("Tracks, ground and cones on the plate", inline_file(sources.judged.still)),),
        link=(f"track/{sources.judged.page.name}", "The camera's own page, with the movie that it is judged by"),
    )


def _depth(sources: Sources, screen: Screen, plate: Array, frame: int, depth: dict[str, Any]) -> Section:
    matte = screen.fit(exr.read(sources.mattes.files.path(frame)).channels["A"].astype(np.float32))
    error = depth["summary"].get("median_relative_error", {}).get("median")
    return Section(
        "Depth and holdouts",
        "Depth of the plate, and who stands in front of everything that is added.",
        _facts({"holdout mattes": sources.mattes.source, "depth error, share of distance, median": error}),
        tuple(figures.series_of(depth["frames"])),
        (
            Picture(
                f"Depth of frame {frame}", inline(depth_picture(sources.depth.files.path(frame))), "near is bright"
            ),
            Picture(
                f"Holdout of frame {frame}", inline(matte_picture(plate, matte)), "tinted: in front of every layer"
            ),
        ),
    )


def _sky(measured: dict[str, Any]) -> Section:
    """The new sky: how bright it is and why, and how much of the picture it is."""
    told = next(iter(measured["sky"].values()))
    shown = {f: {"sky": found["layers"]["sky"]} for f, found in measured["comp"]["frames"].items()}
    facts = {
        "level": told["level"],
        "times, stops": told["gain_ev"],
        "of the plate's air before its horizon": told["air"],
    }
    return Section(
        "Sky",
        "The plate's sky was replaced: layer sky, behind all others. Coverage is its share of the picture; fringe as in the checks.",
        _facts(facts),
        tuple(figures.series_of(shown)),
    )


def _identity(identity: dict[str, Any]) -> Section:
    """Each character beside itself: over views, and in the show's other shots as they stood when this was delivered."""
    facts: dict[str, str] = {}
    for name, found in identity.items():
        take = f", {found['take']}" if found["take"] else ""
        seen = found.get("seen", {})
        facts[f"{name}, version {found['version']}{take}: over views and phases"] = f"{found['views']:.1f}" + "".join(
            f"; {seen[key]:.3f} from {words} to the encoder"
            for key, words in (("references", "its references"), ("nearest_other", "the nearest other character"))
            if key in seen
        )
        for shot, apart in found["shots"].items():
            recipe = "" if apart["recipe"] == "same" else f"; {apart['recipe']}"
            facts[f"{name}: against {shot}"] = (
                f"{apart['delta_e']:.1f} (most: {apart['worst_part']} {apart['worst_delta_e']:.1f}), "
                f"{apart['stops']:+.2f} stops, height {apart['head']:+.1%}"
                + (f", {apart['seen']:.3f} to the encoder" if "seen" in apart else "")
                + recipe
            )
    return Section(
        "Identity",
        "How far the colours of a character's parts are apart, as CIE 1976 colour differences with the light taken out: about "
        "2 is just seen side by side; two characters, or one in another faction's colours, are about 20 apart. Lit "
        "from opposite sides, rendered people read 1 to 4 from themselves. Paintings of the built-in model read 3 to 6 then, and "
        "up to 11 under a low sun: its colours drift in the shade.",
        facts,
    )


def _steadiness(measured: dict[str, Any]) -> Section:
    """Flicker of each layer beside the plate's own."""
    layers, comp = measured["layers"]["frames"], measured["comp"]["frames"]
    per_frame: figures.PerFrame = {}
    for frame in comp:
        owners = {**layers.get(frame, {}), "plate": comp[frame].get("plate")}
        found = {name: owner.get("flicker") for name, owner in owners.items() if isinstance(owner, dict)}
        per_frame[frame] = {name: figures_ for name, figures_ in found.items() if figures_}
    names = sorted({name for found in per_frame.values() for name in found})
    typical = {f"{name}, median of the means": figures.median(per_frame, f"{name}.mean") for name in names}
    return Section(
        "Flicker, frame by frame",
        "Change of brightness since the frame before, as a share, of what is followed along its motion: the layers as they were "
        "rendered (limbs that swing count), the plate by the solved camera (its grain and leaves count). Most: exceeded by "
        "one pixel in a hundred. Whole: of a layer as a whole; that should stay near 0.",
        _facts(typical),
        tuple(figures.series_of(per_frame)),
    )


def _without_flicker(per_frame: figures.PerFrame) -> tuple[Series, ...]:
    return tuple(series for series in figures.series_of(per_frame) if ".flicker." not in series.name)


def _provenance(measured: dict[str, Any]) -> dict[str, str]:
    plate, told = measured["plate"], measured["plate"]["metadata"]
    origins = {
        f"{kind} {plain(key)}": value
        for kind, origin in measured["generation"].items()
        for key, value in origin.items()
    }
    facts = {
        "plate": told.get("source", ""),
        "filmed with": told.get("filmed with", "not told by the file"),
        "colour space": f"{plate['colorspace']} ({told.get('colorspace chosen', 'as delivered')})",
        "timecode": plate["timecode"] or "none",
        "pixel aspect": plate["pixel_aspect"],
        "compression of the frames": measured["delivery"]["compression"],
        "most that it changed a value": measured["delivery"]["most_lost_by_compression"],
    }
    return _facts(facts | origins)


def _look_facts(look: dict[str, Any]) -> dict[str, Any]:
    """The look without its tables: kernels and curves are for report.json. What lies deeper is named by its own part."""
    facts: dict[str, Any] = {}
    for part, found in look.items():
        for key, value in found.items() if isinstance(found, dict) else ():
            if isinstance(value, dict):
                facts |= _look_facts({key: value})
            elif not (isinstance(value, list) and value and isinstance(value[0], list)):
                facts[f"{part} {plain(key)}"] = value
    return facts


def _facts(found: dict[str, Any]) -> dict[str, str]:
    return {plain(name): words(value) for name, value in found.items() if value not in (None, "", [], {})}
