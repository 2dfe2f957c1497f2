"""Work beside the main process: the same answers, the same faults, and alternatives that share the base case's draws."""

from __future__ import annotations

import pytest

import pathway
from pathway.alternatives import alternatives, printed_alternatives, with_switch
from pathway.errors import PathwayError
from pathway.report.figures import picture_of
from pathway.report.figures.bars import death_figure
from pathway.report.figures.swimmer import swimmer_figures
from pathway.report.view import View
from pathway.workshop import Workshop
from tests.report_data import lung_results


def refuse(what: str) -> None:
    raise PathwayError(where="a task", found=what, expected="nothing", mend="do not ask")


def test_a_figure_drawn_elsewhere_is_the_same_to_the_last_byte():
    view = View(lung_results(20))
    sheets = [*death_figure(view), swimmer_figures(view)[1]]
    with Workshop(2, ("pathway.report.figures.every",)) as shop:
        elsewhere = [shop.submit(picture_of, sheet.drawing) for sheet in sheets]
        for sheet, answer in zip(sheets, elsewhere, strict=True):
            assert answer.result() == picture_of(sheet.drawing)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_elsewhere_is_told_in_the_same_words(workers):
    with Workshop(workers) as shop:
        answer = shop.submit(refuse, "this")
        with pytest.raises(PathwayError, match="this") as told:
            answer.result()
    assert told.value.faults[0].mend == "do not ask"


def test_alternatives_stand_beside_the_first_patients_of_the_base_case():
    scenario = pathway.read("scenarios/ssc_ild_us.toml")
    results = pathway.run(scenario, patients=6, strategies=["s1", "s3"])
    table = alternatives(results, patients=3)
    fewer = pathway.run(scenario, patients=3, strategies=["s1", "s3"])
    base = table[table["label"] == "base case"].set_index("strategy")
    assert base.loc["s3", "cost"] == fewer.outcomes().set_index("strategy").loc["s3", "cost"]
    assert base.loc["s1", "inc_qaly"] == 0.0
    switch, option = printed_alternatives(scenario)[0]
    turned = pathway.run(with_switch(scenario, switch, option), patients=3, strategies=["s1", "s3"])
    row = table[(table["switch"] == switch) & (table["option"] == option)].set_index("strategy")
    assert row.loc["s3", "qaly"] == turned.outcomes().set_index("strategy").loc["s3", "qalys_discounted"]
    assert table["label"].nunique() == 1 + len(printed_alternatives(scenario))
