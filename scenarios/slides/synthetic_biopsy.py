"""Makes synthetic_biopsy.csv: a small tissue that nobody measured, shaped like what a slide scanner exports.

Two tumor nests in stroma, T cells and macrophages around them and a few inside. Cells keep their distance, as bodies
do; nothing else is modeled. From this directory:

    python synthetic_biopsy.py > synthetic_biopsy.csv
"""

from __future__ import annotations

import csv
import sys

import numpy as np

WIDTH, HEIGHT = 480.0, 360.0  # [µm]
CORNER = (1200.0, 800.0)  # [µm] where on the slide this piece was cut out
NESTS = ((150.0, 150.0, 105.0, 80.0), (345.0, 235.0, 80.0, 70.0))  # center x, y and half axes [µm]
APART = 12.0  # [µm] the least distance between two cells
TUMOR, STROMA = 180, 180
INSIDE = {"CD8": 0.35, "macrophage": 0.4, "Treg": 0.15, "other": 0.1}  # of the few cells between tumor cells
OUTSIDE = {"CD8": 0.22, "Th1": 0.08, "Treg": 0.06, "macrophage": 0.18, "neutrophil": 0.06, "other": 0.4}


def main() -> None:
    """Write the table to stdout."""
    draw = np.random.default_rng(20)
    cells: list[tuple[float, float, str]] = []

    def add(count: int, inside: bool, kinds: dict[str, float]) -> None:
        added = 0
        while added < count:
            x, y = draw.uniform(0, WIDTH), draw.uniform(0, HEIGHT)
            if _in_a_nest(x, y) is inside and all(np.hypot(x - a, y - b) >= APART for a, b, _ in cells):
                cells.append((x, y, str(draw.choice(list(kinds), p=list(kinds.values())))))
                added += 1

    add(TUMOR, True, {"tumor": 1.0})
    add(STROMA // 10, True, INSIDE)
    add(STROMA - STROMA // 10, False, OUTSIDE)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(("x_um", "y_um", "cell_class"))
    rows.writerows((f"{x + CORNER[0]:.1f}", f"{y + CORNER[1]:.1f}", kind) for x, y, kind in cells)


def _in_a_nest(x: float, y: float) -> bool:
    return any(((x - a) / width) ** 2 + ((y - b) / height) ** 2 < 1 for a, b, width, height in NESTS)


if __name__ == "__main__":
    main()
