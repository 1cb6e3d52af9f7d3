"""What starting loads: packages that are slow to import are imported where they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = {"matplotlib", "PIL", "pandas", "networkx", "mesa"}


@pytest.mark.parametrize(
    ("modules", "unloaded"),
    [
        ("tme_abm.cli.main", {"numpy", "scipy", "pydantic", "jinja2", *FIGURES}),
        ("tme_abm.scenario", {"scipy", *FIGURES}),
        ("tme_abm.simulation, tme_abm.runs.run, tme_abm.observe.metrics, tme_abm.observe.snapshot", FIGURES),
    ],
)
def test_slow_packages_are_loaded_late(modules: str, unloaded: set[str]) -> None:
    told = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not unloaded & set(loaded.split())
