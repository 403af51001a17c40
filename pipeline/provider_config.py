"""[providers] of show.toml, checked, to entries; and whom a brief may ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import codec
from pipeline.errors import ConfigError
from pipeline.provider_sections import BUILTIN, KINDS, Conduct, ProviderEntry


def read_entries(tables: Mapping[str, Any], file: Path) -> dict[str, ProviderEntry]:
    """The show's providers by name; the built-in model is always there. Raises ConfigError."""
    entries = {BUILTIN.name: BUILTIN}
    for name, table in tables.items():
        entries[name] = _entry(name, table, f"{file} [providers.{name}]", file.resolve().parent)
    return entries


def asked(
    names: str | tuple[str, ...], allowed: tuple[str, ...], entries: Mapping[str, ProviderEntry], file: Path
) -> tuple[ProviderEntry, ...]:
    """The entries of the providers that a brief names, in its order, all of them allowed. Raises ConfigError."""
    wanted = (names,) if isinstance(names, str) else names
    if not wanted:
        raise ConfigError(f'{file}: provider = [] names nobody. Write provider = "builtin".')
    for name in wanted:
        if wanted.count(name) > 1:
            raise ConfigError(f"{file}: provider names {name!r} twice. Name everybody once, in order of preference.")
        if name not in allowed:
            raise ConfigError(
                f"{file}: provider {name!r} is not allowed by the show's policy ({', '.join(allowed)}). "
                "Add it to [policy] providers in show.toml, or choose another."
            )
        if name not in entries:
            raise ConfigError(
                f"{file}: provider {name!r} is not described. Write [providers.{name}] with its kind in show.toml. "
                f"{codec.closest(name, list(entries))}"
            )
    return tuple(entries[name] for name in wanted)


def _entry(name: str, table: Any, where: str, folder: Path) -> ProviderEntry:
    """[providers.NAME]: its kind, the settings of that kind, and how it is asked."""
    if not isinstance(table, dict) or table.get("kind") not in KINDS:
        raise ConfigError(f"{where}: it needs a kind. Write kind = one of {', '.join(KINDS)}.")
    if not codec.NAME.fullmatch(name):
        raise ConfigError(f"{where}: a provider's name may hold only letters, digits, '.', '_' and '-'. Rename it.")
    kind = KINDS[table["kind"]]
    conduct = [f.name for f in dataclasses.fields(Conduct)]
    own = [f.name for f in dataclasses.fields(kind)]
    for key in table:
        if key not in ("kind", *own, *conduct):
            raise ConfigError(f"{where}: unknown key {key!r}. {codec.closest(key, [*own, *conduct])}")
    return ProviderEntry(
        name,
        codec.build(kind, {k: v for k, v in table.items() if k in own}, where, folder.joinpath),
        codec.build(Conduct, {k: v for k, v in table.items() if k in conduct}, where),
    )
