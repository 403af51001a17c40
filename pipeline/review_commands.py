"""The command line's `battleplate review`: the page where people compare, note and approve."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.common_commands import out
from pipeline.decision_commands import vocabulary
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.screening.shows import Shows
    from pipeline.screening.standings import Standings

ShowFile = Annotated[Path, typer.Argument(metavar="SHOW.toml", help="The show file.", show_default=False)]
_KEPT_OPEN_S = 75  # longer than proxies and browsers do: whoever closes first may be sent a question that is lost


def review(
    show: ShowFile,
    port: Annotated[int, typer.Option(help="The port.", min=1, max=65535)] = 8700,
    host: Annotated[str, typer.Option(help="The address to listen at; off loopback HTTPS is needed.")] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A name by which browsers reach it; several times."),
    ] = None,
    cert: Annotated[
        Path | None, typer.Option("--cert", metavar="FILE", help="HTTPS: the certificate's chain, PEM.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="HTTPS: its private key, PEM.")] = None,
    proxy: Annotated[bool, typer.Option("--proxy", help="A proxy on this machine speaks HTTPS for it.")] = False,
    database: Annotated[
        str, typer.Option("--database", metavar="URL", help="Else an SQLite file, review/review.db beside the show.")
    ] = "",
    seal: Annotated[
        Path | None,
        typer.Option(
            "--seal", metavar="FOLDER", help="The audit's checkpoint and key; else review/seal beside the show."
        ),
    ] = None,
    reseal: Annotated[
        bool, typer.Option("--reseal", help="Go on although the audit was cut or changed; that is recorded in it.")
    ] = False,
) -> None:
    """Serve the show's review page: compare, note, approve.

    On this machine alone (127.0.0.1) unless --host says otherwise; then with --cert and --key, or behind a --proxy.
    The first start prints a link by which the show's admin joins.
    """
    import uvicorn

    from pipeline.screening.people.accounts import first_link
    from pipeline.screening.web.app import create_app
    from pipeline.screening.web.settings import LOOPBACK, Settings

    loopback = host in LOOPBACK
    if (cert is None) != (key is None):
        raise ConfigError("review: --cert and --key belong together. Give both.")
    if not loopback and cert is None and not proxy:
        raise ConfigError(
            f"review --host {host}: others on the network would read passwords on their way. "
            "Give --cert and --key, or --proxy where a proxy speaks HTTPS."
        )
    secure = cert is not None or proxy
    hosts = tuple(name or ()) + LOOPBACK + (() if host in ("0.0.0.0", "::") else (host,))
    app = create_app(Settings(show, database, seal, hosts, secure, vocabulary))
    shared = app.state.services
    said = shared.seal.check(accept=reseal)
    link = shared.database.write(first_link)
    shown = (name or [host if ":" not in host else f"[{host}]"])[0]
    address = f"{'https' if secure else 'http'}://{shown}{'' if proxy else f':{port}'}"
    out.print(f"audit         {said}", highlight=False, soft_wrap=True)
    if link:
        out.print(f"first admin   {address}/join/{link}   (works once)", highlight=False, soft_wrap=True)
    out.print(f"review        {address}", highlight=False, soft_wrap=True)
    threading.Thread(target=_ahead, args=(app.state.standings, app.state.shows), daemon=True).start()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        ssl_certfile=cert,
        ssl_keyfile=key,
        proxy_headers=proxy,
        timeout_keep_alive=_KEPT_OPEN_S,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run()


def _ahead(standings: Standings, shows: Shows) -> None:
    """What can be known before anybody asks. What is loaded, and then what is known, stays: looking through all of it for
    garbage again and again would hold up every answer for a tenth of a second.
    """
    gc.freeze()
    standings.look_ahead(shows)
    gc.collect()
    gc.freeze()
