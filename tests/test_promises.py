"""What the keyed draws promise of histories: nothing that is added or rearranged moves a life it does not touch."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from pathway.draws import stream_id
from pathway.engines import simulate
from pathway.program import CandidateSpec, Clock, Phases, Program, ScheduleSpec
from tests import tiny
from tests.histories import kind_rows, lives, same_history

SEED = 2026


def test_the_first_patients_of_a_larger_run_are_the_smaller_run(engine):
    few = simulate(tiny.two_drugs(), tiny.drug_people(20), SEED, engine=engine)
    many = simulate(tiny.two_drugs(), tiny.drug_people(60), SEED, engine=engine)
    assert same_history(few, many, patients=np.arange(20)) or same_history(many, few, patients=np.arange(20))


def test_order_and_chunks_move_nothing(engine):
    program, cohort = tiny.two_drugs(), tiny.drug_people(30)
    whole = simulate(program, cohort, SEED, engine=engine)
    backwards = simulate(program, replace(cohort, values=cohort.values[::-1].copy(), patient=cohort.patient[::-1].copy()), SEED, engine=engine)
    for patient in range(30):
        assert same_history(whole, backwards, patients=np.array([patient]))


def test_workers_move_nothing(engine):
    from pathway.experiment import simulate_strategy

    program, cohort = tiny.two_drugs(), tiny.drug_people(250)
    alone = simulate_strategy(program, cohort, SEED, engine=engine)
    with ProcessPoolExecutor(2) as pool:
        together = simulate_strategy(program, cohort, SEED, engine=engine, pool=pool)
    assert same_history(alone, together)


def test_a_new_transition_moves_only_those_it_happens_to(engine):
    program, cohort = tiny.two_drugs(), tiny.drug_people(150)
    bruise = tiny.hazard("bruise", 0.01, tiny.ALIVE, flag=0)
    more = {"flags": ("bruised",), "flags_at_entry": (-1,), "transitions": (bruise, *program.transitions)}
    before = simulate(program, cohort, SEED, engine=engine)
    after = simulate(tiny.two_drugs(**more), cohort, SEED, engine=engine)
    bruised = kind_rows(after, kind=kind_of("flag"))["patient"].unique()
    others = np.setdiff1d(cohort.patient, bruised)
    assert 0 < bruised.size < 100
    assert same_history(before, after, patients=others)


def kind_of(name: str):
    from pathway.eventlog import Kind

    return Kind[name.upper()]


def test_another_strategy_moves_no_life_before_it_differs(engine):
    """A second candidate list that nobody reaches changes nothing; one that is reached changes nothing before."""
    cohort = tiny.drug_people(60)
    one = tiny.two_drugs()
    other = tiny.two_drugs(lines=(one.lines[0], (CandidateSpec(regimen=0b10),)))
    first, second = simulate(one, cohort, SEED, engine=engine), simulate(other, cohort, SEED, engine=engine)
    left, right = first.frame(), second.frame()
    for patient in cohort.patient:
        a, b = left[left["patient"] == patient], right[right["patient"] == patient]
        leaves = [f[f["line"] >= 2]["time"].min() for f in (a, b)]
        until = np.nanmin([*leaves, 1e9])
        columns = ["time", "kind", "name", "true", "measured"]
        assert a[a["time"] < until][columns].astype(str).reset_index(drop=True).equals(b[b["time"] < until][columns].astype(str).reset_index(drop=True))


def test_an_extra_visit_moves_no_death_by_a_bit(engine):
    program, cohort = tiny.two_drugs(decisions=()), tiny.drug_people(80)
    watching = ScheduleSpec(
        name="watching", clock=Clock(), offsets=np.arange(0.0, 60.0, 0.13), measures=(0,), findings=(), streams=(stream_id("measure:m:watching"),)
    )
    watched = tiny.two_drugs(decisions=(), schedules=(*program.schedules, watching))
    assert lives(simulate(program, cohort, SEED, engine=engine)).equals(lives(simulate(watched, cohort, SEED, engine=engine)))


def test_a_lower_hazard_kills_nobody_earlier(engine):
    cohort = tiny.people(300)
    high = lives(simulate(tiny.two_states(hazard=0.2), cohort, SEED, engine=engine))
    low = lives(simulate(tiny.two_states(hazard=0.15), cohort, SEED, engine=engine))
    assert (low >= high).all()


def test_a_drug_without_effect_moves_no_death(engine):
    """Hazard ratio 1 and no slope: with and without the drug, the same deaths to the last bit but for knots."""
    cohort = tiny.drug_people(80)
    with_drug = tiny.two_drugs(effects=tiny.two_drugs().effects[:1])
    without = replace(with_drug, lines=())
    assert np.allclose(lives(simulate(with_drug, cohort, SEED, engine=engine)), lives(simulate(without, cohort, SEED, engine=engine)), rtol=1e-12)


def test_the_sample_is_part_of_the_key(engine):
    cohort = tiny.drug_people(10)
    assert not same_history(simulate(tiny.two_drugs(), cohort, SEED, engine=engine), simulate(tiny.two_drugs(), cohort, SEED, sample=1, engine=engine))


def digest(program: Program, engine: str) -> str:
    log = simulate(program, tiny.drug_people(15), SEED, engine=engine)
    return hashlib.sha256(log.frame().to_csv(index=False, float_format="%.17g").encode()).hexdigest()


@pytest.mark.parametrize("environment", [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "77"}, {"NUMBA_DISABLE_JIT": "1"}])
def test_hash_seed_and_compilation_move_no_bit(engine, environment):
    """The same digest in a process with another hash seed, and with every kernel interpreted."""
    script = f"from tests import tiny; from tests.test_promises import digest; print(digest(tiny.two_drugs(), {engine!r}))"
    if "NUMBA_DISABLE_JIT" in environment and engine != "reference":
        pytest.skip("the compiled engine is compiled")
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(tiny.two_drugs(), engine)


def test_doubling_a_rate_halves_the_same_budget(engine):
    slow = lives(simulate(tiny.two_states(hazard=0.1, horizon=1e9), tiny.people(50), SEED, engine=engine))
    fast = lives(simulate(tiny.two_states(hazard=0.2, horizon=1e9), tiny.people(50), SEED, engine=engine))
    assert np.allclose(slow, 2.0 * fast, rtol=1e-12)
    assert Phases(values=(0.1,)).edges == (float("inf"),)
