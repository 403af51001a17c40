"""show.toml and shot.toml, checked, to Show and Shot."""

from __future__ import annotations

import dataclasses
import re
import tomllib
import typing
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline import codec, own_characters, provider_config
from pipeline.crowd_sections import CrowdBrief, CrowdDust
from pipeline.errors import BattleplateError, ConfigError
from pipeline.far_sections import FarCards
from pipeline.look_sections import LookFacts
from pipeline.optics_sections import LensFacts
from pipeline.output_sections import OutputBrief, WorkFiles
from pipeline.own_characters import OwnCharacters
from pipeline.provider_sections import BUILTIN, CrowdProviders, DepthModel, IdentityModel, ProviderEntry, SetProviders
from pipeline.review_sections import ReviewPolicy
from pipeline.sections import (
    CameraFacts,
    Consent,
    CrowdPicks,
    DeliveryBrief,
    LightFacts,
    MatteSource,
    PlateSource,
    SetBrief,
    SetPicks,
    ShotInfo,
)
from pipeline.sky_sections import SkyBrief, SkyWanted
from pipeline.solve_sections import SolveBrief
from pipeline.tomlfile import parsed, read, text_of
from pipeline.world_sections import WorldFacts

SECTIONS: dict[str, type] = {
    "shot": ShotInfo,
    "plate": PlateSource,
    "mattes": MatteSource,
    "camera": CameraFacts,
    "lens": LensFacts,
    "solve": SolveBrief,
    "world": WorldFacts,
    "look": LookFacts,
    "light": LightFacts,
    "crowd": CrowdBrief,
    "set": SetBrief,
    "sky": SkyBrief,
    "delivery": DeliveryBrief,
    "output": OutputBrief,
    "work": WorkFiles,
    "consent": Consent,
}
ASKED: dict[type, type] = {
    CrowdBrief: CrowdProviders,
    SetBrief: SetProviders,
}  # whom a brief names, as stages take them
FOUND: tuple[type, ...] = (
    OwnCharacters,
    IdentityModel,
    DepthModel,
)  # of the show as a whole: no shot file says otherwise
PICKED: dict[type, type] = {CrowdBrief: CrowdPicks, SetBrief: SetPicks}  # a brief's picks, as stages take them
DRAWN: dict[type, type] = {
    CrowdBrief: CrowdDust,
    SetBrief: FarCards,
    SkyBrief: SkyWanted,
}  # what of a brief a stage takes alone: dust that moves nobody, a sky that pulls no matte again


_MODELS = ("identity", "depth")  # sections of show.toml: models that a show brings, beside those that paint
SHARED = "_show"  # among the folders of shots; no shot can be called so


@dataclass(frozen=True, slots=True)
class Policy:
    """[policy]: what may leave the machine. Only the providers named here are ever asked."""

    providers: tuple[str, ...] = ("builtin",)


@dataclass(frozen=True, slots=True)
class Show:
    """show.toml: what every shot of the show shares."""

    name: str = "show"
    build: Path = Path("build")  # where results are kept, relative to show.toml
    policy: Policy = field(default_factory=Policy)
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)  # settings of stages for every shot
    identity: IdentityModel = field(default_factory=IdentityModel)
    depth: DepthModel = field(default_factory=DepthModel)
    providers: dict[str, ProviderEntry] = field(default_factory=lambda: {BUILTIN.name: BUILTIN})


@dataclass(frozen=True, slots=True)
class Shot:
    """shot.toml, read and checked. sections: by type, as stages ask for them. stages: settings by stage name."""

    file: Path
    info: ShotInfo
    sections: dict[type, Any]
    stages: dict[str, dict[str, Any]]
    build: Path  # where this shot's results are kept
    show: Show

    @property
    def shared(self) -> Path:
        """Where the show's shots keep what they have in common."""
        return self.build.parent / SHARED

    @property
    def takes(self) -> Path:
        """Where the takes of this shot's set pieces are proposed; its people's are the show's."""
        return self.build / "takes"


def load_shot(file: Path, overrides: tuple[str, ...] = ()) -> Shot:
    """Read a shot file and the show.toml above it. overrides: "stage.setting=value" or "section.setting=value".

    Raises ConfigError that names the file, the field and the cure.
    """
    return shot_of(
        file, read(file, "A shot file is TOML: `battleplate init FOLDER` writes a commented one."), overrides
    )


def shot_of(file: Path, data: dict[str, Any], overrides: tuple[str, ...] = ()) -> Shot:
    """The shot whose file holds `data`, or would hold it: nothing but the show.toml above it is read. Raises ConfigError."""
    data = dict(data)
    show_file = find_show(file)
    show, defaults = _load_show(show_file)
    stages = {name: dict(settings) for name, settings in show.stages.items()}
    for name, settings in _tables(data.pop("stages", {}), file.name, "stages", "composite").items():
        stages.setdefault(name, {}).update(settings)
    for override in overrides:
        _apply(override, data, stages)
    for key in data:
        if key not in SECTIONS:
            raise ConfigError(f"{file}: unknown section [{key}]. {codec.closest(key, [*SECTIONS, 'stages'])}")
    if "shot" not in data or "plate" not in data:
        raise ConfigError(
            f"{file}: [shot] and [plate] are needed. `battleplate init FOLDER` writes a commented example."
        )
    folder = file.resolve().parent
    sections = {
        kind: _section(kind, _over(defaults.get(name, {}), data.get(name, {})), f"{file} [{name}]", folder)
        for name, kind in SECTIONS.items()
    }
    info = sections[ShotInfo]
    if not codec.NAME.fullmatch(info.name):
        raise ConfigError(
            f"{file} [shot].name: {info.name!r} may hold only letters, digits, '.', '_' and '-'. Rename it."
        )
    for kind, asked in ASKED.items():
        entries = provider_config.asked(sections[kind].provider, show.policy.providers, show.providers, file)
        sections[asked] = asked(entries)
    root = show_file.resolve().parent if show_file else folder
    sections |= {IdentityModel: show.identity, DepthModel: show.depth}
    sections[OwnCharacters] = own_characters.find(root / own_characters.FOLDER, sections[CrowdBrief])
    sections |= {CrowdDust: CrowdDust.of(sections[CrowdBrief]), FarCards: FarCards(sections[SetBrief].cards)}
    sections[SkyWanted] = SkyWanted(sections[SkyBrief].some)
    shot = Shot(file, info, sections, stages, root / show.build / info.name, show)
    sections.update(_picked(sections, shot))
    return shot


def _section(kind: type, table: Any, where: str, folder: Path) -> Any:
    if table == {}:
        with suppress(BattleplateError):  # what it needs is said below, with its place
            return _untold(kind)
    return codec.build(kind, table, where, folder.joinpath)


@lru_cache(maxsize=64)
def _untold(kind: type) -> Any:
    """A section that nothing is said of: most of a shot's, and the same one for all shots."""
    return codec.build(kind, {}, "")


def load_show(file: Path) -> tuple[Show, Path]:
    """Read a show file; with it the folder that the show's shots share. Raises ConfigError."""
    show, _ = _load_show(file)
    return show, file.resolve().parent / show.build / SHARED


def _over(defaults: Any, own: Any) -> Any:
    """A shot's section over the show's. Picks are joined one by one: a pick of the season holds until a shot's own."""
    if not isinstance(defaults, dict) or not isinstance(own, dict):
        return own
    picks = [table["picks"] for table in (defaults, own) if isinstance(table.get("picks"), dict)]
    joined = {"picks": {name: take for table in picks for name, take in table.items()}} if len(picks) == 2 else {}
    return {**defaults, **own, **joined}


def _picked(sections: dict[type, Any], shot: Shot) -> dict[type, Any]:
    """The picks of both briefs, as stages take them; an empty name takes a pick of the season back."""
    crowd: CrowdBrief = sections[CrowdBrief]
    pieces = {piece.name: piece.take for piece in sections[SetBrief].pieces}
    others = own_characters.elsewhere(sections[OwnCharacters], crowd)  # of the season, and not in this shot
    people = {name: take for name, take in crowd.picks.items() if name not in others}
    takes = {
        kind: [[name, take] for name, take in sorted(picks.items()) if take]
        for kind, picks in ((CrowdPicks, people), (SetPicks, pieces))
    }
    return {
        CrowdPicks: codec.build(CrowdPicks, {"takes": takes[CrowdPicks]}, f"{shot.file} [crowd.picks]"),
        SetPicks: codec.build(
            SetPicks, {"takes": takes[SetPicks], "folder": str(shot.takes)}, f"{shot.file} [[set.pieces]] take"
        ),
    }


def stage_params(kind: type | None, shot: Shot, stage: str) -> Any:
    """The Params of a stage with the shot's settings applied; None for a stage without Params."""
    settings = shot.stages.get(stage, {})
    if kind is None:
        if settings:
            raise ConfigError(
                f"{shot.file} [stages.{stage}]: this stage has no settings. Remove {', '.join(settings)}."
            )
        return None
    return codec.build(kind, settings, f"{shot.file} [stages.{stage}]", shot.file.resolve().parent.joinpath)


def check_stage_names(shot: Shot, known: tuple[str, ...]) -> None:
    """Raise ConfigError when the shot sets a stage that does not exist."""
    for name in shot.stages:
        if name not in known:
            raise ConfigError(
                f"{shot.file}: [stages.{name}] sets a stage that does not exist. {codec.closest(name, list(known))}"
            )


def _load_show(file: Path | None) -> tuple[Show, dict[str, dict[str, Any]]]:
    if file is None:
        return Show(), {}
    cure = "A show file is TOML: `battleplate init FOLDER` writes a commented one."
    return _show_of(file, file.resolve().parent, text_of(file, cure), cure)


@lru_cache(maxsize=8)
def _show_of(file: Path, folder: Path, text: str, cure: str) -> tuple[Show, dict[str, dict[str, Any]]]:
    """The show of a text: hundreds of shots ask for the same one."""
    data = parsed(file, text, cure)
    flat = {**data.get("show", {}), "stages": _tables(data.get("stages", {}), file.name, "stages", "composite")}
    defaults = {name: data[name] for name in SECTIONS if name in data and name not in ("shot", "plate", "consent")}
    for key in data:
        if key in ("shot", "plate", "consent"):
            raise ConfigError(
                f"{file}: [{key}] belongs into a shot file. Name the show file, show.toml, or move it there."
            )
        if key not in (known := ("show", "policy", "review", "providers", "stages", *_MODELS, *defaults)):
            raise ConfigError(f"{file}: unknown section [{key}]. {codec.closest(key, [*known, *SECTIONS])}")
    stages = flat.pop("stages")
    hints = typing.get_type_hints(Show)
    values = {f.name for f in dataclasses.fields(Show)} - {"stages", "policy", "review", "providers", *_MODELS}
    for key in flat:
        if key not in values:
            raise ConfigError(f"{file} [show]: unknown key {key!r}. {codec.closest(key, sorted(values))}")
    made = {k: codec.build(hints[k], v, f"{file} [show].{k}") for k, v in flat.items()}
    policy = codec.build(Policy, data.get("policy", {}), f"{file} [policy]")
    review = codec.build(ReviewPolicy, data.get("review", {}), f"{file} [review]")
    models = {
        name: codec.build(hints[name], data.get(name, {}), f"{file} [{name}]", folder.joinpath) for name in _MODELS
    }
    providers = provider_config.read_entries(_tables(data.get("providers", {}), file.name, "providers", "farm"), file)
    return Show(**made, policy=policy, review=review, **models, stages=stages, providers=providers), defaults


def find_show(file: Path) -> Path | None:
    """The show.toml above a shot file, or None."""
    parents = file.resolve().parents
    return next((p / "show.toml" for p in parents[:4] if (p / "show.toml").is_file()), None)


def _tables(value: Any, where: str, group: str, example: str) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
        raise ConfigError(f"{where} [{group}]: write one table per {group[:-1]}, such as [{group}.{example}].")
    return value


def _apply(override: str, data: dict[str, Any], stages: dict[str, dict[str, Any]]) -> None:
    match = re.fullmatch(r"([a-z_]+)\.([a-z_0-9]+)=(.*)", override, re.DOTALL)
    if not match:
        raise ConfigError(f"--set {override}: write it as stage.setting=value, such as composite.light_wrap_px=4.")
    group, key, text = match.groups()
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is text: --set crowd.provider=builtin
    table = data.setdefault(group, {}) if group in SECTIONS else stages.setdefault(group, {})
    table[key] = value
