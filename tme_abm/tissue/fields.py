"""The diffusing molecules: one concentration array [nM] per molecule on the lattice.

This is state only. What is secreted and taken up is gathered here during a step; the transport process
then solves the diffusion equation and clears what it has used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Fields"]

Grid = NDArray[np.floating]

_AT_FIRST = (0.0, np.inf, 0.0, 0.0)


class Fields:
    """Concentrations, sources and uptake rates by molecule name, each of the lattice's `field_shape`.

    They are views of three blocks (molecules, *field_shape), so that what concerns many molecules is one call:
    `concentrations` [nM], `sources` [nM/min] and `uptakes` [1/min]; `row[name]` is a molecule's place in them. `uptake`
    has the molecules that were ever taken up.

    A field that hardly changes is not solved in every step (`Transport`): what is secreted and taken up meanwhile adds
    up. `pace` (molecules, wells, 4) has for each the number of steps it has waited and, of its last solution, its
    relative change a minute and the production [nM/min] and uptake [1/min], added up over the sites.
    """

    def __init__(self, names: Sequence[str], shape: tuple[int, ...], precision: DTypeLike, wells: int = 1) -> None:
        self.shape = shape
        self.dtype = np.dtype(precision)
        self.wells = wells
        self._lay_out(names)

    def _lay_out(self, names: Sequence[str]) -> None:
        self.row = {name: number for number, name in enumerate(names)}
        # The system gives memory only where something is written: molecules that nothing takes up cost none.
        self.concentrations, self.sources, self.uptakes = (
            np.zeros((len(self.row), *self.shape), self.dtype) for _ in range(3)
        )
        self.pace = np.tile(_AT_FIRST, (len(self.row), self.wells, 1))
        self._name(())

    def _name(self, consumed: Iterable[str]) -> None:
        """Name the molecules of the blocks; `consumed` are those that were ever taken up."""
        # Read only: an array put in the place of a view would be no field. Write into the view.
        self.concentration: Mapping[str, Grid] = MappingProxyType(dict(zip(self.row, self.concentrations, strict=True)))
        self.source: Mapping[str, Grid] = MappingProxyType(dict(zip(self.row, self.sources, strict=True)))
        self.uptake: dict[str, Grid] = {name: self.uptakes[self.row[name]] for name in consumed}

    def __getstate__(self) -> dict[str, Any]:
        """Without the views, which a copy or a pickle would make arrays of their own."""
        return {**self.__dict__, "concentration": None, "source": None, "uptake": list(self.uptake)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._name(state["uptake"])

    def __getitem__(self, name: str) -> Grid:
        return self.concentration[name]

    def __contains__(self, name: str) -> bool:
        return name in self.concentration

    def __iter__(self) -> Iterator[str]:
        return iter(self.concentration)

    def follow(self, names: Sequence[str]) -> None:
        """Have a field of every one of `names`, in this order; those that were not there are empty."""
        before = {name: self.state(name) for name in self}
        self._lay_out(names)
        for name, state in before.items():
            if name in self:
                self.restore(name, state)

    def add_source(self, name: str, sites: NDArray[np.integer], rate: NDArray[np.float64] | float) -> None:
        """Add production `rate` [nM/min] at `sites`, which must be distinct."""
        self.source[name].reshape(-1)[sites] += np.asarray(rate, dtype=self.dtype)

    def add_uptake(self, name: str, sites: NDArray[np.integer], rate: NDArray[np.float64] | float) -> None:
        """Add an uptake `rate` [1/min] at `sites`, which must be distinct."""
        if name not in self.uptake:
            self.uptake[name] = self.uptakes[self.row[name]]
        self.uptake[name].reshape(-1)[sites] += np.asarray(rate, dtype=self.dtype)

    def hurry(self, name: str) -> None:
        """Let a molecule not wait in this step: a source of it comes or goes, which the sum of its production does not
        show if another goes or comes elsewhere.
        """
        self.pace[self.row[name], :, 1] = np.inf

    def clear(self, solved: NDArray[np.bool_]) -> None:
        """Forget the sources and uptake gathered where `solved` (molecules, wells)."""
        taken = np.zeros_like(solved)
        taken[[self.row[name] for name in self.uptake]] = True
        # Nothing is written to what nothing ever took up: it needs no memory.
        for block, where in ((self.sources, solved), (self.uptakes, solved & taken)):
            block.reshape(*solved.shape, -1)[where] = 0

    # ---------------------------------------------------------------- keeping

    def state(self, name: str) -> dict[str, NDArray[Any]]:
        """Copies of all that a molecule's next steps depend on: its level, its pace, and what has been gathered."""
        pace = self.pace[self.row[name]]
        state = {"fields": self[name].copy(), "pace": pace.copy()}
        if pace[:, 0].any():
            state["sources"] = self.source[name].copy()
            if name in self.uptake:
                state["uptakes"] = self.uptake[name].copy()
        return state

    def restore(self, name: str, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a `state`; of a run saved when every field was solved in every step, it is the level alone."""
        self[name][...] = state["fields"]
        self.pace[self.row[name]] = state.get("pace", _AT_FIRST)
        self.source[name][...] = state.get("sources", 0.0)
        if "uptakes" in state or name in self.uptake:
            self.uptake[name] = self.uptakes[self.row[name]]
            self.uptake[name][...] = state.get("uptakes", 0.0)
