"""Evidence: claims of the reviews and published experiments in living tumors, as virtual experiments with a verdict.

An assay is data (`evidence/data/assays/*.toml`): the dish and its cells, the interventions of each arm, the readouts,
and what is expected of them. Arms share their random draws well by well, so contrasts are taken pair by pair. The
criterion is part of the assay, and so fixed before it runs. A published experiment is the same on whole tumors, and
the published answer is its criterion (`published`, `reproduce`).
"""

from .assays import Assay, load_assays
from .results import AssayResult, Review

__all__ = ["Assay", "AssayResult", "Review", "load_assays"]
