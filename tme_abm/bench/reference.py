"""What the costs are held against: a plain numpy kernel, and moves of Mesa objects.

The kernel is one pass of the five-point stencil over a field that stays in the cache, written the way one writes it in
numpy. It is timed between the steps that are measured, so that a slow moment of the machine slows both, and a cost in
units of it says more about the code than a cost in nanoseconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reference", "mesa_move_us", "stencil_pass"]

_SIDE = 256  # 256 kB in float32: stays in the second-level cache of any machine of this decade
_PASSES = 40  # some milliseconds: long against the clock's grain, short against a step

Grid = NDArray[np.float32]


def stencil_pass(c: Grid, new: Grid, number: float) -> None:
    """new = c + number * (sum of the four neighbors - 4 c) inside; the rim keeps its values."""
    inner = new[1:-1, 1:-1]
    np.add(c[:-2, 1:-1], c[2:, 1:-1], out=inner)
    inner += c[1:-1, :-2]
    inner += c[1:-1, 2:]
    inner *= np.float32(number)
    inner += np.float32(1.0 - 4.0 * number) * c[1:-1, 1:-1]


@dataclass
class Reference:
    """The kernel with its two fields."""

    def __post_init__(self) -> None:
        self._c = np.full((_SIDE, _SIDE), 1.0, dtype=np.float32)
        self._new = self._c.copy()
        self.cpu_ns()  # the first call pays for the pages

    def cpu_ns(self) -> float:
        """Processor time of one pass [ns per voxel], now."""
        begun = time.process_time()
        for _ in range(_PASSES):
            stencil_pass(self._c, self._new, 0.2)
            self._c, self._new = self._new, self._c
        return (time.process_time() - begun) / _PASSES / self._c.size * 1e9


def mesa_move_us(agents: int, steps: int) -> dict[str, Any]:
    """Cost of a random move of a plain Mesa object on a Moore grid [µs]: both clocks, median over `steps`."""
    import mesa
    from mesa.discrete_space import CellAgent, OrthogonalMooreGrid

    class Walker(CellAgent):  # type: ignore[misc]  # Mesa is not typed
        """An object that walks."""

        cell: Any

        def move(self) -> None:
            """One step to a neighbor drawn at random."""
            self.cell = self.cell.neighborhood.select_random_cell()

    class Walk(mesa.Model):  # type: ignore[misc]
        """Objects that do nothing else."""

        def __init__(self, side: int) -> None:
            super().__init__(rng=1)
            self.grid = OrthogonalMooreGrid((side, side), torus=False, random=self.random)
            for cell in self.random.sample(self.grid.all_cells.cells, agents):
                Walker(self).cell = cell

        def step(self) -> None:
            """Each walks once, in random order."""
            self.agents.shuffle_do("move")

    model = Walk(side=round((agents / 0.44) ** 0.5))
    wall, cpu = [], []
    for _ in range(steps + 1):
        before = time.perf_counter(), time.process_time()
        model.step()
        wall.append((time.perf_counter() - before[0]) / agents * 1e6)
        cpu.append((time.process_time() - before[1]) / agents * 1e6)
    return {
        "agents": agents,
        "wall_us": float(np.median(wall[1:])),
        "cpu_us": float(np.median(cpu[1:])),
        "mesa": mesa.__version__,
    }
