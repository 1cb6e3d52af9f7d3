"""The command `view`: a page in the browser to watch and treat a tumor."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from . import options
from .terminal import note

__all__ = ["view"]

_PACKAGE = Path(__file__).resolve().parents[1]
_NEEDED = ("solara", "ipyvue", "ipyvuetify", "markdown")
_ENVIRONMENT = {
    # No use of the page is reported to others, and the page loads nothing from the internet.
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_THEME_SHOW_BANNER": "False",
    "SOLARA_THEME_VARIANT": "light",
    "SOLARA_THEME_TITLE": "tme_abm",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "False",
}


def view(
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="A scenario file, or the name of a shipped one.")
    ] = "hot",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port of the page.")] = 8765,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; by default only this machine.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    catalogue: options.Catalogue = None,
) -> None:
    """Watch a tumor live in the browser, and treat it while it grows.

    Needs the extra `viz`; with the extra `offline` the page works without
    internet. Ctrl-C ends it.

    [bold]Examples[/bold]

      view
      view cold --port 9000
      view my_tumor.toml --no-browser
    """
    from ..scenario.load import find, load

    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"the page needs {', '.join(missing)}: pip install 'tme_abm[offline]', or [viz] for less")
    load(scenario, packs=catalogue or ())
    shipped = not Path(scenario).suffix and not Path(scenario).exists()
    chosen = scenario if shipped else str(find(scenario).resolve())
    if catalogue:
        chosen = _with_packs(chosen, catalogue)
    _check_free(host, port)
    if not _has_assets():
        note("The page's scripts come from the internet; pip install 'tme_abm[offline]' to have them here.")
    module, root = _module()
    sys.path.insert(0, root)
    os.environ.update(_ENVIRONMENT | {"TME_ABM_VIEW_SCENARIO": chosen})
    note(f"http://{host}:{port}  (Ctrl-C ends it)")
    # The page is not embedded in another one, so it needs no cookies that cross sites.
    warnings.filterwarnings("ignore", message="Cookies with samesite=none")
    # Imported only now, because solara reads the environment at its import.
    import click
    from solara.__main__ import cli

    arguments = ["run", module, "--host", host, "--port", str(port), "--production", "--no-check-version"]
    with contextlib.suppress(KeyboardInterrupt, click.Abort):  # Ctrl-C is the way to end the page
        cli.main([*arguments, "--open" if browser else "--no-open"], standalone_mode=False)


def _with_packs(scenario: str, catalogue: list[Path]) -> str:
    """A scenario file that adds the packs; the page itself loads scenarios without options."""
    import tempfile

    from ..core.toml import write_toml

    file = Path(tempfile.mkdtemp(prefix="tme-abm-")) / f"{Path(scenario).stem}.toml"
    named = {"extends": scenario, "catalogue": [str(pack.resolve()) for pack in catalogue]}
    file.write_text(write_toml(named), encoding="utf-8")
    return str(file)


def _module() -> tuple[str, str]:
    """The module of the app and the directory to import it from: in a wheel in the package, else next to it."""
    if (_PACKAGE / "_viz").is_dir():
        return f"{_PACKAGE.name}._viz.app", str(_PACKAGE.parent)
    return "viz.app", str(_PACKAGE.parent)


def _has_assets() -> bool:
    return importlib.util.find_spec("solara_assets") is not None or (Path(sys.prefix) / "share/solara/cdn").is_dir()


def _check_free(host: str, port: int) -> None:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"cannot listen on {host}:{port} ({error.strerror}); try another port", place="--port"
            ) from error
