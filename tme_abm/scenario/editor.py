"""The JSON Schema of scenario files, from which editors complete keys and names and show what they mean."""

from __future__ import annotations

from typing import Any

from ..biology import Catalogue, load_catalogue
from .protocol import INTERVENTIONS
from .schema import Scenario
from .slide.section import WRITTEN
from .values import Quantity, trait_quantity

__all__ = ["scenario_schema"]

_PLANS = {kind.__name__ for kind in INTERVENTIONS}
_INTERNAL = ("default", "title", "discriminator", "propertyNames")


def scenario_schema(catalogue: Catalogue | None = None) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a scenario file, with every name of the shipped catalogue or the one given."""
    known = catalogue or load_catalogue()
    schema: dict[str, Any] = _with_names(Scenario.model_json_schema(mode="validation"), known)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "The scenario to start from: a shipped one by name, or a file by its path.",
    }
    schema["properties"]["catalogue"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Catalogue files of one's own, relative to this file, that are laid over the shipped catalogue.",
    }
    sections = schema["$defs"]
    for section in (schema, *(body for name, body in sections.items() if name not in _PLANS)):
        section.pop("required", None)  # whatever is missing may come from the extended scenario
    meanings = {name: cell.name for name, cell in known.cells.items()}
    meanings |= {name: molecule.name for name, molecule in known.molecules.items()}
    _listed(schema["properties"]["immune"], {name: meanings[name] for name in known.immune})
    _listed(schema["properties"]["blood"], {pool: f"Leukocytes of the pool {pool}" for pool in known.pools})
    for table in (
        sections["Stroma"]["properties"]["secretion"],
        sections["FieldSolvers"]["properties"]["method"],
    ):
        _listed(table, {name: meanings[name] for name in known.diffusing})
    traits = sections["Tumor"]["properties"]["traits"]
    traits["properties"] = {
        name: trait_quantity(known, name).json_schema() | {"description": trait.description}
        for name, trait in known.traits.items()
    }
    traits["additionalProperties"] = False
    slide = sections["Slide"]["properties"]
    slide |= {key: {"type": "string", "description": text} for key, text in WRITTEN.items()}
    slide["unit"] |= Quantity("length", exclusive=True).json_schema()
    for body in (schema, *sections.values()):
        body["properties"] = {key: _tidy(value, sections) for key, value in body["properties"].items()}
    schema["title"] = "Scenario of tme_abm"
    return schema


def _with_names(value: Any, catalogue: Catalogue) -> Any:
    """`value` with the names of the catalogue where `values.Name` says which."""
    if isinstance(value, list):
        return [_with_names(one, catalogue) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_names(one, catalogue) for key, one in value.items() if key != "names"}
    if isinstance(value.get("names"), str):
        found["enum"] = [*getattr(catalogue, value["names"]), *value.get("enum", ())]
    return found


def _listed(table: dict[str, Any], names: dict[str, str]) -> None:
    """Spell out the keys of a table by name, so that an editor can offer them."""
    value = table["additionalProperties"]
    table["properties"] = {name: {**value, "description": text} for name, text in names.items()}
    table["additionalProperties"] = False


def _tidy(value: dict[str, Any], sections: dict[str, Any]) -> dict[str, Any]:
    """A key as people write it: no null, which TOML lacks, no defaults, and its meaning with a unit."""
    found = {key: one for key, one in value.items() if key not in _INTERNAL}
    branches = found.get("anyOf", [])
    if {"type": "null"} in branches:
        (written,) = (branch for branch in found.pop("anyOf") if branch != {"type": "null"})
        found = {**written, **found}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = _tidy(found[key], sections)
    if "oneOf" in found:
        found["oneOf"] = [_tidy(branch, sections) for branch in found["oneOf"]]
    if "properties" in found:
        found["properties"] = {key: _tidy(one, sections) for key, one in found["properties"].items()}
    if "$ref" in found and not found.get("description"):
        found["description"] = sections[found["$ref"].rsplit("/", 1)[-1]]["description"]
    hint = found.pop("hint", "")
    if hint:
        found["description"] = f"{found['description']} ({hint})" if found.get("description") else hint
    return found
