"""The commands `explain`, which states what the model assumes, and `schema`, which helps editors with scenarios."""

from __future__ import annotations

import json

from . import options
from .terminal import say

__all__ = ["explain", "schema"]


def explain(
    scenario: options.ScenarioName, settings: options.Set = None, catalogue: options.Catalogue = None
) -> None:
    """State in plain English what the model assumes.

    The tissue, the traits of the tumor, the processes of a step, and every
    rule as a sentence, with its source and basis.

    [bold]Example[/bold]

      explain hot | less
    """
    from ..report.explain import explain as in_words
    from ..scenario.load import load

    say(in_words(load(scenario, settings or (), packs=catalogue or ())))


def schema(catalogue: options.Catalogue = None) -> None:
    """Print the JSON Schema of scenario files.

    Editors complete keys and check values from it.

    [bold]Example[/bold]

      schema > scenario.schema.json
    """
    from ..biology import load_catalogue
    from ..scenario import scenario_schema

    say(json.dumps(scenario_schema(load_catalogue(packs=catalogue or ())), indent=2, ensure_ascii=False))
