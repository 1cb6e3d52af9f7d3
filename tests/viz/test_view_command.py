"""The command `view`, up to where the server would start."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from tme_abm.cli import main
from tme_abm.cli import view as command
from tme_abm.scenario import Scenario, load

IL99 = Path(__file__).parents[1] / "spec" / "packs" / "il99.toml"
NAMED = "TME_ABM_VIEW_SCENARIO"


@pytest.fixture
def everything_there(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        command.importlib.util, "find_spec", lambda name: "there" if name in command._NEEDED else known(name)
    )


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    known: Any = importlib.util.find_spec
    monkeypatch.setattr(
        command.importlib.util, "find_spec", lambda name: None if name in command._NEEDED else known(name)
    )
    assert main(["view"]) == 2
    said = capsys.readouterr().err
    assert "solara" in said
    assert "tme_abm[offline]" in said


@pytest.mark.usefixtures("everything_there")
def test_an_unknown_scenario_is_told_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "hott"]) == 2
    assert "Did you mean 'hot'?" in capsys.readouterr().err


@pytest.mark.usefixtures("everything_there")
def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["view", "hot", "--port", str(taken.getsockname()[1])]) == 2
    assert "try another port" in capsys.readouterr().err


def served_by(monkeypatch: pytest.MonkeyPatch, serve: Callable[..., None]) -> str:
    """Have `serve` stand in for the server; gives a port that is free."""
    monkeypatch.setitem(sys.modules, "solara", types.ModuleType("solara"))
    monkeypatch.setitem(sys.modules, "solara.__main__", types.SimpleNamespace(cli=types.SimpleNamespace(main=serve)))
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in (*command._ENVIRONMENT, NAMED):
        monkeypatch.setenv(name, "")  # and so put back afterward
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.usefixtures("everything_there")
@pytest.mark.parametrize("ending", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_ends_it_without_ado(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ending: type[BaseException]
) -> None:
    def serve(arguments: list[str], standalone_mode: bool) -> None:
        raise ending

    port = served_by(monkeypatch, serve)
    assert main(["view", "cold", "--no-browser", "--port", port]) == 0
    assert "error" not in capsys.readouterr().err


@pytest.mark.usefixtures("everything_there")
@pytest.mark.parametrize(("given", "host"), [([], "127.0.0.1"), (["--host", "0.0.0.0"], "0.0.0.0")])
def test_only_this_machine_is_served_unless_another_address_is_given(
    monkeypatch: pytest.MonkeyPatch, given: list[str], host: str
) -> None:
    asked: list[str] = []
    port = served_by(monkeypatch, lambda arguments, standalone_mode: asked.extend(arguments))
    assert main(["view", "cold", "--no-browser", "--port", port, *given]) == 0
    assert asked[asked.index("--host") + 1] == host
    assert asked[asked.index("--port") + 1] == port
    assert "--no-open" in asked
    assert os.environ[NAMED] == "cold"


@pytest.mark.usefixtures("everything_there")
def test_the_page_loads_the_scenario_with_the_packs_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Scenario] = []
    port = served_by(monkeypatch, lambda arguments, standalone_mode: seen.append(load(os.environ[NAMED])))
    assert main(["view", "hot", "--no-browser", "--port", port, "--catalogue", str(IL99)]) == 0
    assert seen[0].hash == load("hot", packs=[IL99]).hash
