from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.toy import Run, ToySimulator, simulate_with
from tme_abm.cli import main


@pytest.fixture
def tme(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in an empty directory, with a toy for a model: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    simulate_with(monkeypatch, ToySimulator())

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return call
