"""Many parameter sets over one study: each set is what a run with its values would give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import pathway
from pathway.parameter_sets import means_of_sets

SCENARIO = Path(__file__).parents[1] / "scenarios" / "ssc_ild_us.toml"


def test_set_0_is_the_base_case():
    study = pathway.read(SCENARIO)
    found = means_of_sets(study, [0], patients=30, strategies=["s3"], workers=1).set_index("strategy")
    expected = pathway.run(study, patients=30, strategies=["s3"]).outcomes().set_index("strategy")
    assert list(found.index) == list(expected.index)
    for column, other in (("cost", "cost"), ("qaly", "qalys_discounted"), ("life_years", "life_years"), ("cost_se", "cost_se")):
        assert (found[column] == expected[other]).all()


def test_sets_do_not_depend_on_each_other_nor_on_workers():
    study = pathway.read(SCENARIO)
    told = []
    both = means_of_sets(study, [3, 4], patients=20, strategies=["s1"], workers=2, progress=lambda done, total: told.append((done, total)))
    alone = means_of_sets(study, [4], patients=20, strategies=["s1"], workers=1)
    pd.testing.assert_frame_equal(both[both["sample"] == 4].reset_index(drop=True), alone, check_exact=True)
    assert told == [(1, 2), (2, 2)]
    assert both.groupby("strategy")["cost"].nunique().tolist() == [2]


def test_another_set_has_other_values():
    study = pathway.read(SCENARIO)
    base, one = study.base_values(), study.sample_values(1)
    assert set(base) == set(one)
    assert sum(base[name] != one[name] for name in base) > 50
    assert study.sample_values(1) == pytest.approx(one, rel=0.0)
