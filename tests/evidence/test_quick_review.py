"""A few shipped assays of every kind, run for real at their stated dose and duration: the claims come out."""

from __future__ import annotations

import pytest

from tme_abm.evidence import Assay, load_assays
from tme_abm.evidence.experiment import run_assay
from tme_abm.evidence.review import assays_for

CLAIMS = (
    "B-DCT-02",  # an axis: drift up the gradient, lost with the receptor
    "A-IL6-02",  # a cytokine on the tumor, through a pathway
    "A-TNF-08",  # death at a high dose
    "A-IFNG-03",  # expression
    "B-MDSC-23",  # suppression by contact only
    "A-HYP-01",  # oxygen
    "A-TME-01",  # a census of a whole tumor
)
QUICK = assays_for(CLAIMS)


@pytest.mark.parametrize("assay", QUICK, ids=[assay.id for assay in QUICK])
def test_the_claim_is_shown(assay: Assay) -> None:
    result = run_assay(assay, robust=False)
    assert result.error is None
    assert {claim: result.verdicts[claim] for claim in CLAIMS if claim in assay.claims} == {
        claim: "shown" for claim in CLAIMS if claim in assay.claims
    }, [judged.says for judged in result.judged if not judged.holds]


@pytest.mark.slow
@pytest.mark.parametrize("assay", load_assays().values(), ids=list(load_assays()))
def test_every_assay_runs(assay: Assay) -> None:
    if assay.dish in ("tumor", "patch"):
        assay = assay.model_copy(update={"duration": "2 h", "after": "0 h"})
    assert run_assay(assay, robust=False).error is None
