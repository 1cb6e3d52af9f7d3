from __future__ import annotations

import pytest

from tests.bench.made_up import measured
from tme_abm.bench.cases import Case
from tme_abm.bench.scaling import exponent, spread
from tme_abm.bench.suite import scalings

SIZES = (1e3, 1e4, 1e5, 1e6)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3])
def test_the_exponent_of_a_power_law_is_its_power(power: float) -> None:
    found = exponent(SIZES, [3e-6 * size**power for size in SIZES])
    assert found is not None
    assert (found.slope, found.last) == (pytest.approx(power), pytest.approx(power))
    assert found.sizes == SIZES


def test_a_fixed_cost_flatters_the_slope_over_all_sizes_but_not_the_last_one() -> None:
    found = exponent(SIZES, [0.01 + 1e-6 * size for size in SIZES])
    assert found is not None
    assert found.slope < 0.8
    assert 0.95 < found.last < 1.0


def test_the_order_of_sizes_does_not_matter() -> None:
    costs = [0.01 + 1e-6 * size**1.1 for size in SIZES]
    assert exponent(SIZES, costs) == exponent(SIZES[::-1], costs[::-1])


@pytest.mark.parametrize(
    ("sizes", "costs"), [([], []), ([5.0], [1.0]), ([5.0, 5.0], [1.0, 2.0]), ([1.0, 5.0], [0.0, 2.0])]
)
def test_one_size_has_no_exponent(sizes: list[float], costs: list[float]) -> None:
    assert exponent(sizes, costs) is None


def test_a_spread_is_median_and_quartiles() -> None:
    found = spread([5.0, 1.0, 2.0, 3.0, 4.0])
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)


def test_cells_and_voxels_have_exponents_of_their_own_for_every_number_of_fields() -> None:
    cases = [
        Case(cells=n, fields=f, shape=(s, s)) for f in (10, 40) for n, s in ((1000, 48), (10000, 150), (100000, 480))
    ]
    solid = Case(cells=500, fields=10, shape=(10, 10, 10))
    job = Case(cells=500, fields=10, shape=(50, 50), mix="job", days=1.0)
    # The cells of larger tissues cost more each: cost ~ cells**1.2.
    found = [measured(case, cell_us=(case.cells / 1000) ** 0.2) for case in cases]
    # What is no plane tumor follows another law and does not count.
    found += [measured(case, cell_us=400.0, voxel_ns=3000.0) for case in (solid, job)]
    fits = {(one["of"], one["fields"], one["clock"]): one["slope"] for one in scalings(found)}
    assert set(fits) == {
        (of, fields, clock) for of in ("cells", "voxels") for fields in (10, 40) for clock in ("cpu", "wall")
    }
    assert fits["cells", 40, "cpu"] == pytest.approx(1.2)
    assert fits["voxels", 10, "wall"] == pytest.approx(1.0)
