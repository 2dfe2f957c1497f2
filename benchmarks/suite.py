"""How fast runs are, by size: python benchmarks/suite.py [--largest N] [--scenario NAME].

For every shipped scenario, its comparator and 1,000 to 100,000 patients (1,000,000 for one of them): lives and log rows a second of the engine alone, of a run without a log
(valued, summed up) and of a run with one, in seconds of the clock and of the processors, and the peak of memory of a process that does nothing else. The reference engine is timed
in the same run, for the ratio. Rates and ratios are per processor second, so that other work on the machine moves them little; seconds of the clock tell how well threads share. Every measurement has a process of its own, so peaks are its own and nothing is warm but the compiled code on disk; the time to import, read and load that code is told
apart (cold start). Compile time is that of a first use in an empty cache; it is measured only with --compile. With --sets, sampled parameter sets of 10,000 patients under three strategies
are valued: seconds a set, and what a thousand of them would take.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIZES = (1_000, 10_000, 100_000)
LARGEST = 1_000_000
LARGEST_OF = "ssc_ild_us"
MOST_WITH_LOG = 10_000
REFERENCE_PATIENTS = 40
SET_PATIENTS, SET_STRATEGIES, MANY_SETS = 10_000, 3, 1_000


def measure(scenario_name: str, patients: int, way: str, threads: int) -> dict[str, float]:
    """One measurement, in this process."""
    begin = time.perf_counter()
    from pathway.accumulation import Job, accumulate
    from pathway.cohort import draw_cohort
    from pathway.compiler import compile_program
    from pathway.economics import ledger as ledgers
    from pathway.economics.valuation import terms_of, value
    from pathway.engines import compiled, simulate
    from pathway.engines.unread import without_unread
    from pathway.reading import read
    from pathway.telling import simulate_strategy

    scenario = read(ROOT / "scenarios" / f"{scenario_name}.toml")
    values = scenario.base_values()
    strategy = scenario.study.comparator
    program, terms = compile_program(scenario, strategy, values), terms_of(scenario, values)
    cohort = draw_cohort(scenario, values, size=patients, seed=1)
    simulate(program, cohort.part(0, 1), 1, engine="compiled" if way != "reference" else "reference", threads=1)
    cold = time.perf_counter() - begin
    begin, used = time.perf_counter(), time.process_time()
    if way == "engine":
        compiled.count_rows(without_unread(program, ()), cohort, 1, threads=threads)
    elif way == "reference":
        simulate(program, cohort, 1)
    elif way == "summed":
        job = Job(programs={strategy: program}, books=scenario.library, values=values, terms=terms, comparator=strategy, seed=1)
        accumulate(job, cohort, workers=threads)
    else:
        log = simulate_strategy(program, cohort, 1, engine="compiled", workers=threads)
        value(ledgers.build(log, program, cohort, scenario.library, values), terms)
    wall, processor = time.perf_counter() - begin, time.process_time() - used
    rows = compiled.count_rows(program, cohort.part(0, min(patients, 2_000)), 1) / min(patients, 2_000)
    return {"cold": cold, "wall": wall, "processor": processor, "rows": rows, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0}


def measure_sets(scenario_name: str, sets: int, threads: int) -> dict[str, float]:
    """Sampled parameter sets, in this process; seconds and processor seconds a set."""
    from pathway.parameter_sets import means_of_sets
    from pathway.reading import read

    scenario = read(ROOT / "scenarios" / f"{scenario_name}.toml")
    base = scenario.study.comparator
    strategies = [base, *(name for name in scenario.strategies if name != base)][:SET_STRATEGIES]
    means_of_sets(scenario, [0], patients=100, strategies=strategies)
    begin, used = time.perf_counter(), time.process_time()
    means_of_sets(scenario, range(1, sets + 1), patients=SET_PATIENTS, strategies=strategies, workers=threads)
    return {"wall": (time.perf_counter() - begin) / sets, "processor": (time.process_time() - used) / sets, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0}


def in_a_process(*words: str, cache: str | None = None) -> dict[str, float]:
    """The same in a process of its own."""
    environment = {**os.environ, **({"PATHWAY_CACHE": cache} if cache else {}), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, __file__, "--one", *words], check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def table(scenarios: list[str], sizes: list[int], largest: int, threads: int) -> None:
    """Measure and print, a line at a time."""
    print(f"{'scenario':<22}{'patients':>10}  {'what':<26}{'seconds':>9}{'processor s':>13}{'lives/s':>10}{'rows/s':>12}{'peak MB':>9}{'to reference':>14}")
    for name in scenarios:
        slow = in_a_process(name, str(REFERENCE_PATIENTS), "reference", "1")
        base = REFERENCE_PATIENTS / slow["processor"]
        line(name, REFERENCE_PATIENTS, "reference engine", slow, base)
        for patients in [*sizes, *([largest] if name == LARGEST_OF and largest else [])]:
            line(name, patients, "engine alone, 1 thread", in_a_process(name, str(patients), "engine", "1"), base)
            line(name, patients, f"engine alone, {threads} threads", in_a_process(name, str(patients), "engine", str(threads)), base)
            line(name, patients, f"valued, no log, {threads} threads", in_a_process(name, str(patients), "summed", str(threads)), base)
            if patients <= MOST_WITH_LOG:
                line(name, patients, f"valued, with log, {threads} threads", in_a_process(name, str(patients), "log", str(threads)), base)
        print(f"{name}: cold start {slow['cold']:.1f} s (import, read, compile one program, load the engine's code)")


def line(name: str, patients: int, what: str, found: dict[str, float], base: float) -> None:
    """Print one measurement."""
    rate = patients / found["processor"]
    print(
        f"{name:<22}{patients:>10,}  {what:<26}{found['wall']:>9.2f}{found['processor']:>13.2f}{rate:>10,.0f}{rate * found['rows']:>12,.0f}{found['memory']:>9,.0f}{rate / base:>14,.0f}",
        flush=True,
    )


def main() -> None:
    """Read the command line."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--one", nargs=4, metavar=("SCENARIO", "PATIENTS", "WAY", "THREADS"), help="one measurement in this process, as JSON")
    asked.add_argument("--scenario", action="append", help="a shipped scenario; absent: all")
    asked.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    asked.add_argument("--largest", type=int, default=LARGEST, help=f"patients of the last line of {LARGEST_OF}; 0: none")
    asked.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--sets", type=int, default=0, help="value so many sampled parameter sets instead; at least as many as threads")
    asked.add_argument("--compile", action="store_true", help="time a first use in an empty cache, too")
    chosen = asked.parse_args()
    if chosen.one:
        name, patients, way, threads = chosen.one
        print(json.dumps(measure_sets(name, int(patients), int(threads)) if way == "sets" else measure(name, int(patients), way, int(threads))))
        return
    scenarios = chosen.scenario or sorted(path.stem for path in (ROOT / "scenarios").glob("*.toml"))
    if chosen.sets:
        for name in scenarios:
            found = in_a_process(name, str(chosen.sets), "sets", str(chosen.threads))
            lives = SET_PATIENTS * SET_STRATEGIES
            print(
                f"{name:<22}{found['wall']:>7.2f} s a set of {lives:,} lives, {found['processor'] / lives * 1e6:.1f} processor microseconds a life, {found['memory']:,.0f} MB; "
                f"{MANY_SETS:,} sets: {found['wall'] * MANY_SETS / 60.0:.1f} minutes",
                flush=True,
            )
        return
    table(scenarios, chosen.sizes, chosen.largest, chosen.threads)
    if chosen.compile:
        with tempfile.TemporaryDirectory() as cache:
            first = in_a_process(scenarios[0], "1", "engine", "1", cache=cache)
        print(f"first use, engine compiled: {first['cold']:.0f} s")


if __name__ == "__main__":
    main()
