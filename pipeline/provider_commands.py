"""The command line's `battleplate providers`: who may generate, what it has cost, and where a picture came from."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.codec import closest
from pipeline.config import Show, load_show
from pipeline.errors import BattleplateError, ConfigError
from pipeline.provider_sections import KINDS, ProviderEntry

if TYPE_CHECKING:
    from assets.providers.asking.ledger import Call, Ledger

providers = typer.Typer(
    help="Who may generate for a show, what it has cost, and where a picture came from.", no_args_is_help=True
)
out = Console()
ShowFile = Annotated[Path, typer.Argument(metavar="SHOW.toml", help="The show file.", show_default=False)]
Key = Annotated[str, typer.Argument(metavar="KEY", help="An answer's key, or its first letters.", show_default=False)]
_SHORT = 12  # letters of a key that are shown
_NOTE = 60  # letters of a note in the table; the file has them all


@providers.command("list")
def list_providers(
    show: ShowFile,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not try whether they open: that may load weights.")
    ] = False,
) -> None:
    """List the show's providers: kind, whether the policy allows them, whether they open, price, what is left to spend.

    The last column is what pictures that they painted on this machine take up, for all shots of the show.
    """
    from assets.providers.asking.ledger import Ledger
    from assets.providers.asking.shelf import folder_of, size_of

    read, shared = load_show(show)
    ledger = Ledger(shared)
    columns = ("provider", "kind", "policy", "opens", "USD a picture", "spent, USD", "left, USD", "shared, MB")
    table = Table(*columns, box=None)
    for name, entry in read.providers.items():
        spent, most = ledger.spent_usd(name), entry.conduct.most_usd
        allowed = name in read.policy.providers
        table.add_row(
            name,
            _kind(entry),
            "[green]allowed" if allowed else "[yellow]not allowed",
            escape(_opens(entry)) if allowed and not quick else "not tried",
            f"{entry.conduct.usd_per_picture:.4g}",
            f"{spent:.2f}",
            "no limit" if most is None else f"{max(0.0, most - spent):.2f} of {most:.2f}",
            f"{size_of(folder_of(shared, name)) / 1e6:.1f}",
        )
    out.print(table)
    for name in _undescribed(read):
        out.print(f"The policy allows {name!r}, which is not described: write [providers.{name}].", highlight=False)


@providers.command("ledger")
def show_ledger(
    show: ShowFile,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every call there too, with all that is known.")
    ] = None,
) -> None:
    """List every call that was booked, those whose bill is unsure first, then the newest; and what each provider cost."""
    calls = _ledger(show).calls()
    table = Table(
        "key", "provider", "for", "pictures", "state", "asked", "expected", "billed", "when, UTC", "note", box=None
    )
    for call in sorted(calls, key=lambda c: (c.state != "unsure", -c.id)):
        colour = {"unsure": "red", "answered": "green"}.get(call.state, "yellow")
        about = (call.key[:_SHORT], call.provider, " ".join(filter(None, (call.shot, call.stage))), str(call.pictures))
        money = f"{call.expected_usd:.4g}", "" if call.billed_usd is None else f"{call.billed_usd:.4g}"
        when, note = call.began[:16].replace("T", " "), escape(call.note[:_NOTE])
        table.add_row(*about, f"[{colour}]{call.state}", f"{call.attempts}x", *money, when, note)
    out.print(table if calls else "No calls yet: nothing that is paid or leaves this machine was asked.")
    for line in _totals(calls):
        out.print(line, highlight=False)
    if csv_file:
        _write_csv(calls, csv_file)
        out.print(f"{len(calls)} calls in {csv_file}", highlight=False, soft_wrap=True)


@providers.command()
def clean(
    show: ShowFile,
    of: Annotated[str, typer.Option("--of", metavar="NAME", help="Only this provider's.")] = "",
    keep_gb: Annotated[
        float, typer.Option("--keep-gb", help="Of each provider, the most that stays: what was used last.", min=0)
    ] = 0.0,
) -> None:
    """Remove pictures that models of this machine painted and that lie ready for other shots: they are painted again.

    Answers that were paid for, takes, and the results of shots stay.
    """
    from assets.providers.asking.shelf import clear, folder_of

    read, shared = load_show(show)
    there = sorted({*read.providers, *(folder.name for folder in folder_of(shared, "").glob("*"))})
    if of and of not in there:
        raise ConfigError(f"--of {of}: no such provider. {closest(of, there)}")
    for name in [of] if of else there:
        pictures, freed = clear(folder_of(shared, name), round(keep_gb * 2**30))
        if pictures or of:
            out.print(f"{name}: {pictures} pictures removed, {freed / 1e6:.1f} MB.", highlight=False)


@providers.command()
def explain(show: ShowFile, key: Key) -> None:
    """Say everything that is known of a kept answer: who was asked for what, by which model, for how much, and its files."""
    from assets.providers.asking import answers

    ledger = _ledger(show)
    found = answers.find(ledger.shared, key)
    calls = ledger.calls(key=key)
    whole = _only_one(key, sorted({*found, *(call.key for call in calls)}), show)
    if whole in found:
        for name, value in _flat(answers.explain(ledger.shared, whole)):
            out.print(f"{name:<28}{value}", highlight=False, soft_wrap=True, markup=False)
        out.print(f"{'lies in':<28}{answers.folder_of(ledger.shared, whole)}", highlight=False, soft_wrap=True)
    else:
        out.print("No answer is kept for it.")
    for call in calls:
        billed = "nothing" if call.billed_usd is None else f"{call.billed_usd:.4g} USD"
        line = f"call {call.id}: {call.state}, asked {call.attempts}x from {call.began}, billed {billed}. {call.note}"
        out.print(line.strip(), highlight=False, soft_wrap=True, markup=False)


@providers.command()
def settle(
    show: ShowFile,
    key: Key,
    billed: Annotated[
        float | None, typer.Option("--billed", metavar="USD", help="It was billed, so much.", min=0)
    ] = None,
    not_billed: Annotated[bool, typer.Option("--not-billed", help="It was not billed.")] = False,
) -> None:
    """Settle a call whose answer never came, once its provider's own bill was looked at; then it may be asked again."""
    if (billed is None) != not_billed:
        raise ConfigError("settle: write either --billed USD or --not-billed, as the provider's bill says.")
    ledger = _ledger(show)
    unsure = [call for call in ledger.calls(key=key) if call.state == "unsure"]
    whole = _only_one(key, sorted({call.key for call in unsure}), show, "unsure call")
    call = next(c for c in unsure if c.key == whole)
    ledger.settle(call.id, "failed", billed, f"settled by hand: {'not billed' if billed is None else 'billed'}")
    out.print(f"Call {call.id} of {call.provider} is settled. It may be asked again.", highlight=False)


def _ledger(show: Path) -> Ledger:
    """The show's ledger, with what was lost by killed processes seen as such."""
    from assets.providers.asking.counter import settle_lost
    from assets.providers.asking.ledger import Ledger

    ledger = Ledger(load_show(show)[1])
    settle_lost(ledger.shared, ledger)
    return ledger


def _only_one(key: str, found: list[str], show: Path, what: str = "answer or call") -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"{key}: no {what} has a key that begins so. See: battleplate providers ledger {show}")
    raise ConfigError(
        f"{key}: {len(found)} keys begin so ({', '.join(k[:_SHORT] for k in found[:5])}). Write more of it."
    )


def _opens(entry: ProviderEntry) -> str:
    from assets.providers.opening import open_provider

    try:
        able = open_provider(entry).capabilities
    except BattleplateError as error:
        return str(error)
    return f"yes{', leaves this machine' if able.leaves_machine else ''}{', paid' if able.paid else ''}"


def _kind(entry: ProviderEntry) -> str:
    return next(kind for kind, settings in KINDS.items() if isinstance(entry.settings, settings))


def _undescribed(show: Show) -> list[str]:
    return [name for name in show.policy.providers if name not in show.providers]


def _totals(calls: list[Call]) -> Iterator[str]:
    for provider in sorted({call.provider for call in calls}):
        own = [call for call in calls if call.provider == provider]
        billed = sum(call.billed_usd or 0.0 for call in own if call.state != "unsure")
        unsure = [call for call in own if call.state == "unsure"]
        open_usd = sum(call.expected_usd for call in own if call.state in ("reserved", "sent"))
        line = f"{provider}: {len(own)} calls, {billed:.2f} USD billed"
        line += f", {open_usd:.2f} USD under way" if open_usd else ""
        line += f", {len(unsure)} unsure (up to {sum(c.billed_usd or 0.0 for c in unsure):.2f} USD)" if unsure else ""
        yield line + "."


def _write_csv(calls: list[Call], file: Path) -> None:
    from assets.providers.asking.ledger import Call
    from pipeline.io.files import write_bytes

    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in dataclasses.fields(Call)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(call) for call in calls)
    write_bytes(file, text.getvalue().encode())


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of a tree with the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{index}]")
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else value
