"""The budget of a step: secreted - decayed - taken up = stored. What a solver invents shows up here."""

from __future__ import annotations

from dataclasses import dataclass

from .problem import Array, checked, total

__all__ = ["Budget", "budget"]


@dataclass(frozen=True)
class Budget:
    """Amounts of one molecule in one step over the whole lattice, all wells; nM um^3 (1 nM um^3 is 0.602 molecules)."""

    secreted: float
    decayed: float
    taken_up: float
    stored: float

    @property
    def excess(self) -> float:
        """What was stored without having been secreted (negative: lost); nM um^3."""
        return self.stored - (self.secreted - self.decayed - self.taken_up)


def budget(
    before: Array,
    after: Array,
    mean: Array,
    *,
    dt: float,
    decay: float,
    uptake: Array | float = 0.0,
    source: Array | float = 0.0,
    spacing: float,
) -> Budget:
    """Budget of one step from ``before`` to ``after``; 2D is a slab one spacing thick.

        stored = V sum(after - before), secreted = V dt sum(s), decayed = V dt k sum(mean), taken up = V dt
        sum(u mean)

    Parameters
    ----------
    before, after : (ny, nx) or (nz, ny, nx); nM
    mean : time average of the concentration over the step, as the solver reports it (its argument ``mean``);
        nM
    dt, decay, spacing : min, 1/min, um
    uptake, source : arrays like ``before`` or a number; 1/min and nM/min

    Raises
    ------
    ValueError
        A negative parameter or a shape that does not fit.
    """
    # A sum over all voxels does not ask which axes are space.
    ndim = min(before.ndim, 3)
    before, uptake, source = checked(
        before, dt=dt, diffusivity=0.0, decay=decay, uptake=uptake, source=source, spacing=spacing, ndim=ndim
    )
    after, mean = after.reshape(before.shape), mean.reshape(before.shape)
    volume = spacing**3
    return Budget(
        secreted=volume * dt * (float(total(source).sum()) if source.ndim else float(source) * before.size),
        decayed=volume * dt * decay * float(total(mean).sum()),
        taken_up=volume * dt * float(total(mean, uptake).sum()),
        stored=volume * float((total(after) - total(before)).sum()),
    )
