"""The walkthrough "Changing the biology" of the README works as it is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tme_abm.cli import main
from tme_abm.export.source import read_source

README = Path(__file__).parents[2] / "README.md"


def test_the_walkthrough_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    section = README.read_text(encoding="utf-8").partition("## Changing the biology")[2].partition("\n## ")[0]
    for name, text in re.findall(r"```toml\n# (\S+)\n(.*?)```", section, flags=re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    commands = re.findall(r"^    tme-abm (.*?)(?:  +#.*)?$", section, flags=re.MULTILINE)
    said = {}
    for command in commands:
        assert main(shlex.split(command)) == 0, capsys.readouterr().err
        said[command.split()[0]] = said.get(command.split()[0], "") + capsys.readouterr().out
    assert set(said) == {"validate", "explain", "sources", "run"}
    assert "IL99R occupancy increases activation through MyD88" in said["explain"]
    assert "sha256" in said["explain"]
    assert "cell.TAM.behaviors.secretion IL99" in said["sources"]
    assert "with stronger.toml" in said["validate"]
    made = read_source(tmp_path / "results/gdt")
    assert list(made.origin["packs"]) == ["il99.toml"]
    assert made.manifest["packs"] == made.origin["packs"]
    assert "GDT" in made.biology.cells
    assert read_source(tmp_path / "results/cold-il99").scenario.pack_hashes == made.origin["packs"]
