"""AnnData and SpatialData: the tissue as single-cell and spatial-omics tools expect it.

A cell is an observation. `X` is what it shows and senses: surface levels and concentrations, with the unit of each in
`var`; `obsm["spatial"]` says where it stands [µm]; inner states are columns of `obs`, and `cell_type` has all types as
categories, so that two exports agree on them. `uns` holds the fields, and where everything comes from.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import FATES, LAYERS, WRITTEN_BY, Picture, Source

__all__ = ["write_anndata", "write_spatialdata"]

LIBRARY = "tme_abm"
_GRAY, _RED = (224, 224, 224), (214, 96, 77)
CELLS, FIELDS, VESSELS, TABLE = "cells", "fields", "vessels", "table"


def write_anndata(source: Source, picture: Picture, out: Path) -> None:
    """One picture as a file that `anndata.read_h5ad` reads."""
    _cells(source, picture).write_h5ad(out, compression="gzip")


def write_spatialdata(source: Source, picture: Picture, out: Path) -> None:
    """One picture as a store that `spatialdata.read_zarr` reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice of one library to another, nothing that an export could change
        _spatial(source, picture).write(out)


def _cells(source: Source, picture: Picture) -> Any:
    """An AnnData of the cells of a picture."""
    import anndata
    import pandas as pd

    surface, sensed = picture.surface, picture.sensed
    var = pd.DataFrame(
        {
            "kind": ["surface"] * len(surface) + ["concentration"] * len(sensed),
            "unit": ["1"] * len(surface) + ["nM"] * len(sensed),
            "name": source.described([*surface, *sensed]),
        },
        index=[*surface, *sensed],
    )
    values = np.column_stack([*surface.values(), *sensed.values()]).astype(np.float32)
    table = anndata.AnnData(X=values, obs=_obs(picture), var=var)
    table.obsm["spatial"] = picture.places
    if picture.exposures:
        table.obsm["exposure"] = pd.DataFrame(picture.exposures, index=table.obs_names)
    table.uns.update(_uns(source, picture))
    return table


def _obs(picture: Picture) -> Any:
    import pandas as pd

    described = picture.described
    categories = {"cell_type": picture.kinds, "layer": LAYERS, "fate": tuple(FATES.values())}
    columns: dict[str, Any] = {
        name: pd.Categorical(values, categories=categories[name]) if name in categories else values
        for name, values in described.items()
    }
    columns |= picture.states
    columns |= {f"surface_{name}": values for name, values in picture.surface.items()}
    return pd.DataFrame(columns, index=picture.ids)


def _uns(source: Source, picture: Picture) -> dict[str, Any]:
    return {
        "provenance": {
            "written_by": WRITTEN_BY,
            **source.origin,
            **source.verdict(picture.day),
            "resolved_scenario": source.scenario.resolved_toml(),
        },
        "lattice": {
            "shape": np.array(picture.shape),
            "axes": np.array(picture.axes[::-1]),
            "spacing_um": picture.spacing,
        },
        "fields": {"unit": "nM", "images": dict(picture.fields)},
        "vessels": picture.vessels,
        **({"spatial": {LIBRARY: _library(picture)}} if len(picture.shape) == 2 else {}),
    }


def _library(picture: Picture) -> dict[str, Any]:
    """The fields as the images behind the points that scanpy and squidpy draw: `img_res_key="CXCL10"`.

    "hires", which they take unless told otherwise, shows the tumor core in gray and the vessels in red; a pixel is a
    site. Images have their channel last, also where there is one.
    """
    ground = np.full((*picture.shape, 3), 255, dtype=np.uint8)
    ground[picture.arrays["core"]] = _GRAY
    ground[picture.arrays["vessel"]] = _RED
    images = {"hires": ground} | {name: field[..., np.newaxis] for name, field in picture.fields.items()}
    scales = {f"tissue_{name}_scalef": 1.0 / picture.spacing for name in images}
    return {
        "images": images,
        "scalefactors": {"spot_diameter_fullres": picture.spacing, **scales},
        "metadata": {"unit": "micrometer"},
    }


def _spatial(source: Source, picture: Picture) -> Any:
    """A SpatialData: the fields as one image with a channel a molecule, cells and vessels as circles, and their table.

    The coordinate system "global" is in µm.
    """
    import geopandas as gpd
    import spatialdata
    from spatialdata.models import Image2DModel, Image3DModel, ShapesModel, TableModel
    from spatialdata.transformations import Identity, Scale

    flat = len(picture.shape) == 2
    model, dims = (Image2DModel, ("c", "y", "x")) if flat else (Image3DModel, ("c", "z", "y", "x"))
    scale = Scale([picture.spacing] * len(picture.shape), axes=picture.axes)
    elements: dict[str, Any] = {}
    if picture.fields:
        elements[FIELDS] = model.parse(
            np.stack(list(picture.fields.values())),
            dims=dims,
            c_coords=list(picture.fields),
            transformations={"global": scale},
        )

    def circles(centers: NDArray[np.float64], index: Any) -> Any:
        frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*centers.T), index=index)
        frame["radius"] = picture.spacing / 2
        return ShapesModel.parse(frame, transformations={"global": Identity()})

    table = _cells(source, picture)
    table.obs["region"] = table.obs["cell_type"].astype(str).map(lambda _: CELLS).astype("category")
    table.obs["instance"] = table.obs_names.to_numpy()
    elements[CELLS] = circles(picture.places, table.obs_names)
    if len(picture.vessels):
        elements[VESSELS] = circles(picture.vessels, None)
    elements[TABLE] = TableModel.parse(table, region=CELLS, region_key="region", instance_key="instance")
    return spatialdata.SpatialData.init_from_elements(elements)

