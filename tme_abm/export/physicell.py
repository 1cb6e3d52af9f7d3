"""PhysiCell: cells to start a simulation from, and the pictures as output that PhysiCell's own tools read.

    cells.csv                 the last picture as initial cells: x,y,z,type
    output00000000.xml …      one a picture (MultiCellDS), each with its cells, their neighbors and its microenvironment
    initial_mesh0.mat         the voxels: a site each
    PhysiCell_settings.xml    domain, substrates and cell types by name; no biology, which PhysiCell has to be told
    cell_ids.csv              ID in these files, and the permanent identity of the cell elsewhere in this package

Places are centered, as PhysiCell has them. Two cells that share a site would stand on one point, where no force is
defined: they are set a quarter of the spacing apart along x.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np
from numpy.typing import NDArray
from scipy import io

from ..core import files
from ..core.units import MINUTES_PER_DAY
from ..kernels.space import neighbor_table
from ..tissue import ALIVE, APOPTOTIC, NECROTIC
from .source import METADATA, WRITTEN_BY, Picture, Source

__all__ = ["write"]

Array = NDArray[np.float64]

MESH = "initial_mesh0.mat"

# PhysiCell's numbers for the cycle model and the phase of living, apoptotic and necrotic cells.
_CYCLE = {ALIVE: 5, APOPTOTIC: 100, NECROTIC: 101}
_PHASE = {ALIVE: 14, APOPTOTIC: 100, NECROTIC: 103}
_DEATH_MODEL = {ALIVE: 0, APOPTOTIC: 0, NECROTIC: 1}
_NONE = -1


def write(source: Source, pictures: list[Path], out: Path) -> None:
    """The pictures as PhysiCell's files in the directory `out`."""
    ids: dict[str, int] = {}
    days: list[float] = []
    for number, file in enumerate(pictures):
        picture = source.open(file)
        for cell in picture.ids:
            ids.setdefault(cell, len(ids))
        _write_step(source, picture, ids, f"output{number:08d}", out)
        days.append(picture.day)
    _matrix(out / MESH, "mesh", _voxels(picture))
    _table(
        out / "cells.csv",
        ("x", "y", "z", "type"),
        (
            (*(repr(x) for x in place), kind)
            for place, kind in zip(_positions(picture).T.tolist(), picture.described["cell_type"], strict=True)
        ),
    )
    _table(out / "cell_ids.csv", ("ID", "cell_id"), ((str(number), cell) for cell, number in ids.items()))
    _settings(source, picture, out / "PhysiCell_settings.xml")
    files.write_json(out / METADATA, {"written_by": WRITTEN_BY, **source.origin, "days": days})


def _write_step(source: Source, picture: Picture, ids: dict[str, int], name: str, out: Path) -> None:
    numbers = np.array([ids[cell] for cell in picture.ids], dtype=np.float64)
    rows = _rows(picture, numbers)
    _matrix(out / f"{name}_cells.mat", "cells", np.vstack([values for _, _, values in rows]))
    fields = [field.ravel().astype(np.float64) for field in picture.fields.values()]
    voxels = np.vstack([_voxels(picture), *fields])
    _matrix(out / f"{name}_microenvironment0.mat", "multiscale_microenvironment", voxels)
    _graph(out / f"{name}_cell_neighbor_graph.txt", numbers, _touching(picture))
    _graph(out / f"{name}_attached_cells_graph.txt", numbers, _bound(picture))
    root = Element("MultiCellDS", version="2", type="snapshot/simulation")
    _metadata(root, source, picture)
    _microenvironment(root, picture, source, f"{name}_microenvironment0.mat")
    _population(root, picture, [(label, units, len(values)) for label, units, values in rows], name)
    _xml(root, out / f"{name}.xml")


# ---------------------------------------------------------------- numbers


def _rows(picture: Picture, numbers: Array) -> list[tuple[str, str, Array]]:
    """(label, units, (k, n) values) of what is told about every cell: PhysiCell's own labels, then ours."""
    fate = picture.cell("fate")
    here, day = len(fate), MINUTES_PER_DAY
    age = picture.day * day - picture.cell("born").astype(np.float64)

    def of(meaning: dict[int, int]) -> Array:
        return np.array([float(meaning[int(one)]) for one in fate]).reshape(1, here)

    kinds = {name: number for number, name in enumerate(picture.kinds)}
    types = np.array([float(kinds[name]) for name in picture.described["cell_type"].tolist()])
    rows = [
        ("ID", "none", numbers),
        ("position", "microns", _positions(picture)),
        ("total_volume", "cubic microns", np.full(here, np.pi / 6 * picture.spacing**3)),
        ("cell_type", "none", types),
        ("cycle_model", "none", of(_CYCLE)),
        ("current_phase", "none", of(_PHASE)),
        ("current_death_model", "none", of(_DEATH_MODEL)),
        ("dead", "none", (fate != ALIVE).astype(np.float64)),
        ("chemotaxis_index", "none", np.full(here, float(_NONE))),
        ("age", "min", age),
    ]
    rows += [(name, "none", values) for name, values in picture.states.items()]
    rows += [(f"surface_{name}", "none", values) for name, values in picture.surface.items()]
    return [(label, units, np.atleast_2d(values).astype(np.float64)) for label, units, values in rows]


def _positions(picture: Picture) -> Array:
    """Centered places of the cells [µm], (3, n)."""
    places = picture.places.copy()
    site = picture.cell("site")
    shared = np.bincount(site)[site] > 1
    aside = np.where(picture.described["layer"] == "immune", 1.0, -1.0) * picture.spacing / 8
    places[:, 0] += np.where(shared, aside, 0.0)
    return _centered(picture, places)


def _voxels(picture: Picture) -> Array:
    """Centers and volumes of all sites, x fastest, (4, n)."""
    sites = np.arange(np.prod(picture.shape))
    return np.vstack([_centered(picture, picture.centers(sites)), np.full(len(sites), picture.spacing**3)])


def _centered(picture: Picture, places: Array) -> Array:
    middle = np.array(picture.shape[::-1]) * picture.spacing / 2
    centered = np.zeros((3, len(places)))
    centered[: places.shape[1]] = (places - middle).T
    return centered


def _touching(picture: Picture) -> Iterable[tuple[int, int]]:
    """Pairs (row, row) of cells in contact: on one site or on neighboring ones, each pair in both orders."""
    site = picture.cell("site").astype(np.int64)
    order = np.argsort(site, kind="stable")
    sites = site[order]
    around = np.column_stack([site, neighbor_table(picture.shape)[site]])
    first, last = np.searchsorted(sites, around, "left"), np.searchsorted(sites, around, "right")
    for row in range(len(site)):
        for begin, end in zip(first[row], last[row], strict=True):
            yield from ((row, int(other)) for other in order[begin:end] if other != row)


def _bound(picture: Picture) -> Iterable[tuple[int, int]]:
    """Pairs (row, row) of a cell and the one it is bound to, in both orders."""
    row_of = {int(key): row for row, key in enumerate(picture.cell("key"))}
    for row, partner in enumerate(picture.cell("partner").tolist()):
        if partner in row_of:
            yield row, row_of[partner]
            yield row_of[partner], row


# ---------------------------------------------------------------- files


def _matrix(path: Path, name: str, values: Array) -> None:
    """A matrix as MATLAB's format 4, the one that PhysiCell writes and reads."""
    io.savemat(path, {name: values}, format="4")


def _table(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    path.write_bytes(b"".join(files.csv_line(row) for row in [header, *rows]))


def _graph(path: Path, numbers: Array, pairs: Iterable[tuple[int, int]]) -> None:
    """A line a cell: its ID, and those of the others."""
    others: dict[int, list[int]] = {row: [] for row in range(len(numbers))}
    for row, other in pairs:
        others[row].append(int(numbers[other]))
    lines = [f"{int(numbers[row])}: {','.join(str(one) for one in sorted(found))}" for row, found in others.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _xml(root: Element, path: Path) -> None:
    indent(root)
    ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)


def _add(parent: Element, tag: str, text: object = None, **attributes: str) -> Element:
    made = SubElement(parent, tag, attributes)
    if text is not None:
        made.text = str(text)
    return made


def _metadata(root: Element, source: Source, picture: Picture) -> None:
    about = _add(root, "metadata")
    software = _add(about, "software")
    _add(software, "name", "tme_abm")
    _add(software, "version", source.manifest.get("versions", {}).get("tme_abm", "unknown"))
    _add(about, "description", f"scenario {source.scenario.name}, seed {source.manifest['seed']}")
    _add(about, "scenario_hash", source.manifest["scenario_hash"])
    for name, sha256 in source.scenario.pack_hashes.items():
        _add(about, "pack", sha256, name=name)
    _add(about, "current_time", repr(picture.day * MINUTES_PER_DAY), units="min")
    _add(about, "current_runtime", repr(float(source.manifest.get("wall_seconds", 0.0))), units="sec")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _add(about, "created", now)
    _add(about, "last_modified", now)


def _microenvironment(root: Element, picture: Picture, source: Source, data: str) -> None:
    domain = _add(_add(root, "microenvironment"), "domain", name="microenvironment")
    mesh = _add(domain, "mesh", type="Cartesian", uniform="true", regular="true", units="micron")
    ends = _ends(picture)
    _add(mesh, "bounding_box", _line([-end for end in ends] + ends), type="axis-aligned", units="micron", delimiter=" ")
    voxels = _voxels(picture)
    for number, axis in enumerate("xyz"):
        _add(mesh, f"{axis}_coordinates", _line(np.unique(voxels[number]).tolist()), delimiter=" ")
    _add(_add(mesh, "voxels", type="matlab"), "filename", MESH)
    _variables(_add(domain, "variables"), picture, source)
    _add(_add(domain, "data", type="matlab"), "filename", data)


def _variables(parent: Element, picture: Picture, source: Source) -> None:
    known = {molecule.name: molecule for molecule in source.biology.molecules}
    for number, name in enumerate(picture.fields):
        variable = _add(parent, "variable", name=name, units="nM", ID=str(number))
        physics = _add(variable, "physical_parameter_set")
        _add(physics, "diffusion_coefficient", repr(known[name].diffusivity), units="micron^2/min")
        _add(physics, "decay_rate", repr(known[name].decay), units="1/min")


def _population(root: Element, picture: Picture, rows: list[tuple[str, str, int]], name: str) -> None:
    populations = _add(_add(root, "cellular_information"), "cell_populations")
    custom = _add(_add(populations, "cell_population", type="individual"), "custom")
    data = _add(custom, "simplified_data", type="matlab", source="PhysiCell", data_version="2")
    types = _add(data, "cell_types")
    for number, kind in enumerate(picture.kinds):
        _add(types, "type", kind, ID=str(number), type=str(number))
    labels, first = _add(data, "labels"), 0
    for label, units, size in rows:
        _add(labels, "label", label, index=str(first), size=str(size), units=units)
        first += size
    _add(data, "filename", f"{name}_cells.mat")
    _add(_add(custom, "neighbor_graph", type="text"), "filename", f"{name}_cell_neighbor_graph.txt")
    _add(_add(custom, "attached_cells_graph", type="text"), "filename", f"{name}_attached_cells_graph.txt")


def _settings(source: Source, picture: Picture, path: Path) -> None:
    """Domain, substrates, cell types by name and the file of initial cells: where a PhysiCell project begins."""
    root = Element("PhysiCell_settings", version="devel-version")
    domain = _add(root, "domain")
    ends = _ends(picture)
    for axis, end in zip("xyz", ends, strict=True):
        _add(domain, f"{axis}_min", repr(-end))
        _add(domain, f"{axis}_max", repr(end))
    for axis in "xyz":
        _add(domain, f"d{axis}", repr(picture.spacing))
    _add(domain, "use_2D", "true" if len(picture.shape) == 2 else "false")
    overall = _add(root, "overall")
    _add(overall, "time_units", "min")
    _add(overall, "space_units", "micron")
    _variables(_add(root, "microenvironment_setup"), picture, source)
    definitions = _add(root, "cell_definitions")
    for number, kind in enumerate(picture.kinds):
        _add(definitions, "cell_definition", name=kind, ID=str(number))
    positions = _add(_add(root, "initial_conditions"), "cell_positions", type="csv", enabled="true")
    _add(positions, "folder", "./config")
    _add(positions, "filename", "cells.csv")
    _xml(root, path)


def _ends(picture: Picture) -> list[float]:
    """Half the size of the domain [µm] along x, y and z; a 2D lattice is a slab one spacing thick."""
    sizes: list[Any] = [n * picture.spacing / 2 for n in picture.shape[::-1]]
    return [*sizes, picture.spacing / 2][:3]


def _line(numbers: list[float]) -> str:
    return " ".join(repr(float(number)) for number in numbers)
