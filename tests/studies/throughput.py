"""How much faster two processes finish a study than one.

    python -m tests.studies.throughput [--runs N] [--days D] [--jobs J]

Runs the same study of the real model with one process and with several, each twice in turn, and prints the rates of
the better of each and their ratio. Say on what machine, and what else it was doing.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from tme_abm.runs.simulator import Simulator
from tme_abm.studies.batch import run_study
from tme_abm.studies.study import load_study

TEXT = """
scenarios = ["hot"]
days = {days}
replicates = {runs}
metrics = ["CD8 core", "tumor cells"]

[set]
record.snapshots = "10 day"
lattice.shape = [80, 80]
tumor.cells = 200
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--times", type=int, default=2)
    asked = parser.parse_args()
    rates: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "throughput.toml"
        file.write_text(TEXT.format(days=asked.days, runs=asked.runs))
        study = load_study(file, simulator=Simulator())
        for attempt in range(asked.times):
            for jobs in (1, asked.jobs):
                began = time.perf_counter()
                found = run_study(study, out=Path(place) / f"{attempt}-{jobs}", jobs=jobs)
                rate = found.done / (time.perf_counter() - began)
                rates[jobs] = max(rates.get(jobs, 0.0), rate)
                print(f"{jobs} processes: {rate:.3f} runs/s (load {os.getloadavg()[0]:.1f})", flush=True)
    print(f"ratio: {rates[asked.jobs] / rates[1]:.2f}")


if __name__ == "__main__":
    main()
