"""Evidence: every claim of the reviews as a virtual experiment with arms, a readout and a verdict.

An assay is data (`evidence/data/assays/*.toml`): what is put into a dish, what is done to each arm, what is read, and
what is expected. Arms share their random draws well by well, so that a contrast is taken pair by pair. The criterion is
part of the assay and so fixed before it runs.
"""

from .assays import Assay, Expectation, load_assays
from .claims import Claim, Scope, claims, scope
from .results import AssayResult, Judged, Reading, Review, Variant, Verdict

__all__ = [
    "Assay",
    "AssayResult",
    "Claim",
    "Expectation",
    "Judged",
    "Reading",
    "Review",
    "Scope",
    "Variant",
    "Verdict",
    "claims",
    "load_assays",
    "scope",
]
