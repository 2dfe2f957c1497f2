"""How fast the engines are, in one run on one machine: python benchmarks/engines.py [scenario, or its path] [strategy].

Prints a table: lives and log rows a second with the log kept, the compiled engine in one and two threads and without a log, as medians of repeated runs taken in turn,
and the ratio to the reference engine in the same run. Compile time is that of a first use; later runs load the code from disk.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from pathlib import Path

from pathway.cohort import draw_cohort
from pathway.compiler import compile_program
from pathway.engines import compiled, needs_compiling, simulate
from pathway.engines.unread import without_unread
from pathway.reading import read

ROUNDS = 5
REFERENCE_PATIENTS, COMPILED_PATIENTS = 40, 10_000


def timed(work) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    root = Path(__file__).parents[1]
    name = sys.argv[1] if len(sys.argv) > 1 else "ssc_ild_us"
    scenario = read(name if name.endswith(".toml") else root / "scenarios" / f"{name}.toml")
    values = scenario.base_values()
    strategy = sys.argv[2] if len(sys.argv) > 2 else scenario.study.comparator
    program = compile_program(scenario, strategy, values)
    cohort = draw_cohort(scenario, values, size=COMPILED_PATIENTS, seed=1)
    lean = without_unread(program, ())
    is_new = needs_compiling("compiled")
    first = timed(lambda: simulate(program, cohort.part(0, 1), 1, engine="compiled"))
    simulate(program, cohort.part(0, 1), 1)
    told: dict[str, list[float]] = {"reference": [], "compiled, 1 thread": [], "compiled, 2 threads": [], "compiled, 1 thread, no log": []}
    for _ in range(ROUNDS):
        told["reference"].append(REFERENCE_PATIENTS / timed(lambda: simulate(program, cohort.part(0, REFERENCE_PATIENTS), 1)))
        told["compiled, 1 thread"].append(COMPILED_PATIENTS / timed(lambda: simulate(program, cohort, 1, engine="compiled", threads=1)))
        told["compiled, 2 threads"].append(COMPILED_PATIENTS / timed(lambda: simulate(program, cohort, 1, engine="compiled", threads=2)))
        told["compiled, 1 thread, no log"].append(COMPILED_PATIENTS / timed(lambda: compiled.count_rows(lean, cohort, 1, threads=1)))
    rows = compiled.count_rows(program, cohort, 1) / COMPILED_PATIENTS
    base = statistics.median(told["reference"])
    print(f"{name}, strategy {strategy}: {rows:.0f} rows a life; first use of the compiled engine {first:.1f} s ({'compiled' if is_new else 'loaded from disk'})")
    print(f"{'engine':<28}{'lives/s':>10}{'rows/s':>12}{'ratio':>8}")
    for label, rates in told.items():
        rate = statistics.median(rates)
        print(f"{label:<28}{rate:>10,.0f}{rate * rows:>12,.0f}{rate / base:>8.0f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
