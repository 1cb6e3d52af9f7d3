"""Looking at a tissue without touching it: metrics, the state of a tumor, snapshots."""

from .compartments import compartments
from .metrics import measure, measure_wells
from .snapshot import snapshot
from .state import STATES, Criteria, classify, criteria

__all__ = ["STATES", "Criteria", "classify", "compartments", "criteria", "measure", "measure_wells", "snapshot"]
