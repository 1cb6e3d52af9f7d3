"""Evidence: every claim of the reviews as a virtual experiment with arms, a readout and a verdict.

An assay is data (`evidence/data/assays/*.toml`): the dish and its cells, the interventions of each arm, the readouts,
and what is expected of them. Arms share their random draws well by well, so contrasts are taken pair by pair. The
criterion is part of the assay, and so fixed before it runs.
"""

from .assays import Assay, load_assays
from .results import AssayResult, Review

__all__ = ["Assay", "AssayResult", "Review", "load_assays"]
