"""Bad input is told in four parts: where, found, expected, mend; never with a traceback, and nothing is written.

Each case is one edit of the tiny study. The number in its id is the case's number in a bank of 90 bad inputs for
health-economic models that was drawn up in YAML. Where a case is not found here by its number:

=======  ============================================================================================================
case     held by
=======  ============================================================================================================
1 to 3   ``test_what_is_not_text_is_refused``, ``test_harmless_ways_of_saving_change_nothing`` (a mark is no fault)
8        ``test_what_is_not_text_is_refused``
25, 31   no such thing here: a rebate is a lower net price, patients are drawn or listed, not mixed; 30 holds shares
26, 42   ``test_what_is_odd_is_read_with_a_warning``, with 51, 52 and 76
32, 49   no transition matrices, so no rows and no Dirichlet counts: hazards compete
41, 43   the dead have no utility to set; one value set a study: sources say which
46, 47   ``tests/test_population_faults.py`` (correlations are pairs: a matrix cannot be of a wrong size)
50       no files of posterior draws
60       ``60_`` here; the guard at run in ``tests/test_edges.py``
63 to 65 ``tests/test_patients_file.py``
75 on    here, and ``tests/test_cli.py`` for what the command line takes
=======  ============================================================================================================

Cases 6, 9, 10 and 11 are syntax that TOML does not have; the hint says so. 14: there is one schema version. 55: a
derived value is a sum of products of ids, so there is no formula to execute.
"""



from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pathway.errors import PathwayError, ScenarioError
from pathway.reading import check, inspect, read

FIXTURES = Path(__file__).parent / "fixtures"
STUDY = "tiny.toml"
PATHWAY = "tiny/pathway.toml"
ECONOMICS = "tiny/economics.toml"
COHORTS = "tiny/cohorts.toml"
STRATEGIES = "tiny/strategies.toml"
COURSE = "tiny/evidence/course.csv"
PEOPLE = "tiny/evidence/people.csv"
PRICES = "tiny/prices.csv"
DOSING = "tiny/dosing.csv"
LIVES = "tiny/life_tables.csv"
RATE = "death_rate,deaths from the disease,0.02,per year,gamma,0.01,0.04,"
RATIO = "death_ratio,death per ten points lower,1.3,hazard ratio,lognormal,1.1,1.5,"
PILL = "alpha_pill,alpha pill,1.5,mg,USD,2026,list"


class Case(NamedTuple):
    """An edit of one file, and words that the complaint must hold."""

    name: str
    file: str
    old: str
    new: str
    words: tuple[str, ...]


CASES = [
    Case("05_duplicate_key", STUDY, "seed = 7", "seed = 7\nseed = 8", ("tiny.toml, line 9", "given twice", "first on line 8", "delete one")),
    Case("05_duplicate_table", STUDY, "[switches]", "[study]\n[switches]", ("given twice",)),
    Case("07_nesting", STUDY, "[switches]", f"x = {'[' * 2000}{']' * 2000}\n[switches]", ("nested deeper than 50",)),
    Case("07_nesting_60", STUDY, "[switches]", f"x = {'[' * 60}{']' * 60}\n[switches]", ("nested deeper than 50",)),
    Case("06_anchors", STUDY, "seed = 7", "seed = &a [*b, *b]", ("line 8", "tags, anchors and aliases do not exist here")),
    Case("09_tag", STUDY, "seed = 7", "seed = !!python/object", ("line 8", "tags, anchors")),
    Case("10_merge_key", STUDY, "seed = 7", "<<: *base", ("line 8", "merge keys do not exist here")),
    Case("11_two_documents", STUDY, "[economics]", "---\n[economics]", ("one document a file",)),
    Case("12_unknown_key", STUDY, "discount_costs", "disount_costs", ("economics.disount_costs", "did you mean 'discount_costs'")),
    Case("12_unknown_key_deep", PATHWAY, 'hazard = { rates = ["death_rate"]', 'hazard = { rate = ["death_rate"]', ("transitions[1] (death_disease).hazard.rate", "did you mean 'rates'")),
    Case("12_unknown_column", PRICES, "channel", "chanel", ("prices.csv, row 1", "did you mean 'channel'")),
    Case("13_newer_schema", STUDY, "schema_version = 1", "schema_version = 2", ("study.schema_version", "at most 1")),
    Case("14_older_schema", STUDY, "schema_version = 1", "schema_version = 0", ("study.schema_version", "at least 1")),
    Case("15_number_as_text", STUDY, "discount_costs = 0.03", 'discount_costs = "1e5"', ("economics.discount_costs", '"1e5"', "a number", "write 100000 without quotation marks")),
    Case("16_thousands", STUDY, "horizon = 10.0", "horizon = 1,000", ("line 11", "write 1000")),
    Case("16_decimal_comma", STUDY, "discount_costs = 0.03", 'discount_costs = "0,03"', ("write 0.03", "decimal point")),
    Case("16_comma_in_cell", PRICES, PILL, PILL.replace("1.5", '"1,500"'), ("row 2, column value", "write 1500")),
    Case("17_percent", STUDY, "discount_costs = 0.03", "discount_costs = 3%", ("line 19", "write 0.03", "percent")),
    Case("17_percent_in_cell", COURSE, RATE, RATE.replace("0.02", "2%"), ("column value", "write 0.02")),
    Case("18_leading_zero", STUDY, "seed = 7", "seed = 010", ("line 8", "write 10")),
    Case("19_time_for_number", STUDY, "discount_costs = 0.03", "discount_costs = 12:30:00", ("a number", "looks like a date or a time")),
    Case("20_bare_word", STUDY, 'currency = "USD"', "currency = NO", ("line 14", '"NO" in quotation marks')),
    Case("20_boolean_for_text", STUDY, 'currency = "USD"', "currency = false", ("economics.currency", "false", "quotation marks")),
    Case("20_number_for_text", STUDY, 'currency = "USD"', "currency = 5", ("economics.currency", "a text")),
    Case("21_date_for_number", STUDY, "discount_costs = 0.03", "discount_costs = 2026-01-01", ("a number", "date")),
    Case("21_number_for_date", STUDY, "price_date = 2026-01-01", "price_date = true", ("economics.price_date", "a date")),
    Case("22_missing", STUDY, 'comparator = "alpha_first"\n', "", ("study.comparator", "no such key", "add the key comparator")),
    Case("22_null", STUDY, 'currency = "USD"', "currency = null", ("give currency a value",)),
    Case("22_empty_cell", COURSE, RATE, RATE.replace("0.02", ""), ("column value", "an empty cell")),
    Case("23_nan", STUDY, "discount_costs = 0.03", "discount_costs = nan", ("a finite number",)),
    Case("23_infinite", COURSE, RATE, RATE.replace("0.02", "inf"), ("column value", "finite")),
    Case("23_overflow", COURSE, RATE, RATE.replace("0.02", "1e999"), ("column value", "a number", "below 1e308")),
    Case("23_overflow_in_toml", STUDY, "horizon = 10.0", "horizon = 1e400", ("study.horizon", "finite")),
    Case("23_foreign_digits", COURSE, RATE, RATE.replace("0.02", "\u0660.\u0660\u0662"), ("column value", "a number")),
    Case("24_negative_price", PRICES, PILL, PILL.replace("1.5", "-1.5"), ("row 2, column value", "at least 0", "rebate")),
    Case("24_negative_own_price", STUDY, "value = 4.0", "value = -4.0", ("prices.beta_pill.value", "at least 0")),
    Case("24_price_beyond_belief", PRICES, PILL, PILL.replace("1.5", "1.5e12"), ("row 2, column value", "at most 1000000000")),
    Case("27_price_in_another_size", PRICES, PILL, PILL.replace(",mg,", ",g,"), ("alpha_pill used in mg, priced per g",)),
    Case("27_own_price_in_another_size", STUDY, 'value = 4.0\nunit = "mg"', 'value = 4.0\nunit = "g"', ("prices.beta_pill.unit", "mg")),
    Case("27_price_without_currency", PRICES, PILL, PILL.replace("USD", ""), ("row 2, column currency", "an empty cell")),
    Case("27_price_without_unit", PRICES, PILL, PILL.replace(",mg,", ",,"), ("row 2, column unit",)),
    Case("28_mixed_currencies", PRICES, PILL, PILL.replace("USD", "EUR"), ("a price in EUR", "USD")),
    Case("29_price_year", PRICES, PILL, PILL.replace("2026", "2062"), ("column price_year", "at most 2030")),
    Case("29_year_outside_index", PRICES, "a visit,100,visit,USD,2024", "a visit,100,visit,USD,1999", ("price year 1999", "2024 to 2026")),
    Case("30_probability_above_one", PEOPLE, "women,0.8,probability", "women,1.2,probability", ("people.csv, row 6, column value", "from 0 to 1")),
    Case("30_probability_below_zero", PEOPLE, "women,0.8,probability", "women,-0.1,probability", ("from 0 to 1",)),
    Case("33_negative_stop_rate", COURSE, "stop_rate,alpha is not tolerated,5,per 100 years,gamma,3,8,", "stop_rate,not tolerated,-5,per year,fixed,,,", ("transitions[2] (alpha_intolerance).hazard.rates", "at least 0")),
    Case("34_hazard_as_probability", COURSE, "stop_rate,alpha is not tolerated,5,per 100 years", "stop_rate,alpha is not tolerated,5,probability", ("from 0 to 1", "did you mean 0.05")),
    Case("34_hazard_without_time", COURSE, "stop_rate,alpha is not tolerated,5,per 100 years,gamma,3,8", "stop_rate,alpha is not tolerated,0.5,probability,fixed,,", ("stop_rate in probability", "per year")),
    Case("35_ratio_zero", COURSE, RATIO, RATIO.replace("1.3", "0"), ("column value", "0 as a hazard ratio", "more than 0")),
    Case("36_interval_upside_down", COURSE, RATIO, RATIO.replace("1.1,1.5", "1.5,1.1"), ("low 1.5 above high 1.1", "exchange")),
    Case("37_point_outside", COURSE, RATIO, RATIO.replace("1.3,", "1.6,"), ("1.6 outside its interval from 1.1 to 1.5",)),
    Case("37_own_point_outside", STUDY, "low = 1.0", "low = 2.5", ("values.death_rate", "outside its interval")),
    Case("38_log_ratio", COURSE, RATIO, RATIO.replace("1.3,", "-0.4,").replace("lognormal,1.1,1.5", "fixed,,"), ("looks like log(hazard ratio)",)),
    Case("39_utility_above_one", PEOPLE, "usual score,0.7,utility", "usual score,1.3,utility", ("a utility of 1.3", "at most 1")),
    Case("40_utility_below_lowest", PEOPLE, "while infected,-0.1,utility", "while infected,-0.9,utility", ("a utility of -0.9", "-0.594")),
    Case("44_impossible_beta", COURSE, "0.05,probability,beta,,,0.02", "0.5,probability,beta,,,0.6", ("family beta", "0.6", "mean (1 - mean)")),
    Case("45_sd", COURSE, "standard_error", "sd", ("unknown column 'sd'", "standard_error is the sd of patients / sqrt(n)")),
    Case("45_negative_error", COURSE, "beta,,,0.02", "beta,,,-0.02", ("row 22, column standard_error", "at least 0")),
    Case("46_correlations", COHORTS, 'correlations = [{ a = "age", b = "score_at_entry", value = "age_score" }]', 'correlations = [{ a = "age", b = "age", value = "age_score" }]', ("age with itself",)),
    Case("48_correlation", PEOPLE, "age and score,-0.2", "age and score,1.4", ("naive.correlations[0].value", "age_score = 1.4, of age and score_at_entry", "between -1 and 1")),
    Case("53_family_without_spread", COURSE, RATE, RATE.replace("0.01,0.04", ","), ("family gamma without a spread", "standard_error")),
    Case("flag_cleared_by_nobody", PATHWAY, 'do = "next_line"', 'do = "clear"', ("decisions[0] (progression).flag", "do = clear", "add flag")),
    Case("rests_for_no_decision", PATHWAY, 'reason = "intolerance"', 'reason = "intolerance"\nunless_decision = "progression"', ("alpha_intolerance", "an optional decision")),
    Case("half_a_cumulative_dose", PATHWAY, '[[decisions]]', '[[scheduled]]\nname = "done"\nlabel = "done"\ntreatment = "alpha"\nafter = "one_year"\nat_most = "ten_points"\n[[decisions]]', ("scheduled[0] (done)", "at_most alone", "together")),
    Case("54_circle_of_sums", PATHWAY, 'terms = [["-", "drift", "alpha_share"]]', 'terms = [["alpha_gain"]]', ("derived.alpha_gain", "alpha_gain -> alpha_gain")),
    Case("54_circle_of_rules", PATHWAY, 'when = { field = "fall", of = "score", within = "one_year", at_least = "ten_points" }', 'when = { rule = "progressed" }', ("a circle", "fallen -> progressed -> fallen")),
    Case("55_formula", PATHWAY, 'terms = [["-", "drift", "alpha_share"]]', """terms = [["__import__('os').system('x')"]]""", ("derived.alpha_gain.terms[0][0]", "a value id")),
    Case("56_division_by_zero", PATHWAY, '"drift", "alpha_share"]]', '"drift", "/score_lowest"]]', ("derived.alpha_gain", "score_lowest = 0", "division by zero")),
    Case("57_unknown_treatment", STRATEGIES, 'regimen = ["alpha"] }', 'regimen = ["alhpa"] }', ("unknown treatment 'alhpa'", "did you mean 'alpha'")),
    Case("57_unknown_treatment_on_clock", PATHWAY, 'clock = "course:beta"', 'clock = "course:betta"', ("unknown treatment 'betta'", "effects[2]")),
    Case("57_unknown_state", PATHWAY, 'from = ["first", "second"]', 'from = ["frist"]', ("unknown state 'frist'", "did you mean 'first'")),
    Case("57_unknown_marker", PATHWAY, 'measures = ["score"]', 'measures = ["scores"]', ("unknown marker 'scores'", "did you mean 'score'")),
    Case("57_unknown_field", PATHWAY, 'field = "fall",', 'field = "fal",', ("unknown field 'fal'", "did you mean 'fall'")),
    Case("57_unknown_rule", "tiny/access.toml", 'alpha = { start_when = "fallen"', 'alpha = { start_when = "fallow"', ("unknown rule 'fallow'",)),
    Case("57_unknown_value", PATHWAY, 'every = ["quarter"]', 'every = ["quater"]', ("unknown value 'quater'", "did you mean 'quarter'")),
    Case("57_unknown_own_value", STUDY, "[values.death_rate]", "[values.deth_rate]", ("unknown value 'deth_rate'", "did you mean 'death_rate'")),
    Case("57_unknown_item", DOSING, "alpha,alpha_pill", "alpha,alpha_pil", ("unknown item 'alpha_pil'", "did you mean 'alpha_pill'")),
    Case("57_unknown_switch", STUDY, 'drift = "slow"', 'drfit = "slow"', ("unknown switch 'drfit'", "did you mean 'drift'")),
    Case("57_unknown_option", STUDY, 'drift = "slow"', 'drift = "slwo"', ("unknown option 'slwo'", "did you mean 'slow'")),
    Case("57_unknown_cohort", STUDY, 'cohort = "naive"', 'cohort = "naïve"', ("study.cohort",)),
    Case("57_unknown_source", PRICES, "none,made_up,assumption", "none,made_upp,assumption", ("prices.csv, row 2, column source", "did you mean 'made_up'")),
    Case("57_no_source", COURSE, ",,,made_up,assumption,,\nscore_highest", ",,,,assumption,,\nscore_highest", ("course.csv, row 2, column source", "name a key of sources.csv")),
    Case("57_unknown_disease", STUDY, 'disease = "tiny"', 'disease = "tinny"', ("study.disease", "tinny")),
    Case("57_unknown_unit", COURSE, "13,weeks", "13,wekes", ("course.csv, row 9, column unit", "wekes")),
    Case("58_names_equal_but_for_case", STRATEGIES, "[beta_first]", "[Alpha_First]", ("equal but for case",)),
    Case("58_names_equal_but_for_form", STRATEGIES, "[beta_first]", '["\uff41lpha_first"]', ("equal but for case or Unicode form",)),
    Case("58_treatment_in_capitals", "tiny/treatments.csv", "beta,beta,beta", "Alpha,beta,beta", ("treatments.csv, row 3, column id", "write alpha")),
    Case("58_treatment_twice", "tiny/treatments.csv", "beta,beta,beta", "alpha,beta,beta", ("treatments.csv, row 3, column id", "alpha again")),
    Case("58_evidence_twice", PEOPLE, "age_sd,", "age_mean,", ("age_mean again",)),
    Case("59_unreachable_state", PATHWAY, "[covariates]", 'limbo = { label = "limbo" }\n[covariates]', ("states.limbo", "nothing leads to")),
    Case("59_unreachable_line", STRATEGIES, "lines = [{ candidates = [{ regimen = [\"alpha\"] }] }", "lines = [{ candidates = [] }", ("alpha_first, line 1", "no candidate")),
    Case("59_two_states_of_a_line", PATHWAY, "line = 2", "line = 1", ("states.second.line", "line 1, which first has too")),
    Case("59_absorbing_line", PATHWAY, "line = 2", "line = 2, is_absorbing = true", ("states.second", "that one can leave")),
    Case("60_loop_in_last_resort", PATHWAY, 'from = ["first", "second"]', 'from = ["first", "supportive"]', ("next_line in supportive", "without a delay")),
    Case("60_visits_without_delay", COURSE, "13,weeks", "0,weeks", ("schedules.visit.every", "more than 0")),
    Case("61_no_absorbing_state", PATHWAY, "is_absorbing = true", "is_absorbing = false", ("no absorbing state", "60 years")),
    Case("62_threshold_in_other_unit", COURSE, "a fall that counts,10,points", "a fall that counts,10,mL", ("rules.fallen.when.at_least", "ten_points in mL", "points")),
    Case("62_slope_in_other_unit", COURSE, "if fast,-4,points per year,normal,-5,-3", "if fast,-4,mL per year,normal,-5,-3", ("switches.drift.options.fast.set.drift", "drift_fast in mL per year", "points per year")),
    Case("62_marker_unit", PATHWAY, 'unit = "points"\nbaseline', 'unit = "pionts"\nbaseline', ("markers.score.unit", "pionts")),
    Case("64_range", PATHWAY, "low = 18, high = 100", "low = 100, high = 18", ("covariates.age", "exchange the two")),
    Case("64_age", PEOPLE, "mean age,55", "mean age,170", ("covariates.age", "age_mean = 170", "18 to 100")),
    Case("66_life_table_gap", LIVES, "made_up,1,", "made_up,5,", ("life_tables.csv, row 3, column age", "age 5 after age 0", "no gaps")),
    Case("66_life_table_begins_late", LIVES, "made_up,0,0.01,0.02,made_up\n", "", ("row 2, column age", "begins at age 1")),
    Case("67_per_thousand", LIVES, "made_up,1,0.01", "made_up,1,10", ("row 3, column qx_female", "per thousand")),
    Case("69_horizon_zero", STUDY, "horizon = 10.0", "horizon = 0", ("study.horizon", "more than 0")),
    Case("69_horizon_long", STUDY, "horizon = 10.0", "horizon = 1000", ("study.horizon", "at most 120")),
    Case("70_discount_rate", STUDY, "discount_costs = 0.03", "discount_costs = 3.5", ("3.5", "at most 0.2", "0.035")),
    Case("71_negative_discount_rate", STUDY, "discount_costs = 0.03", "discount_costs = -0.03", ("at least 0",)),
    Case("72_no_patients", STUDY, "patients = 20", "patients = 0", ("study.patients", "at least 1")),
    Case("72_half_a_patient", STUDY, "patients = 20", "patients = 1.5", ("study.patients", "a whole number")),
    Case("72_too_many_patients", STUDY, "patients = 20", "patients = 1000000000000", ("at most 10000000",)),
    Case("74_negative_seed", STUDY, "seed = 7", "seed = -7", ("study.seed", "at least 0")),
    Case("74_long_seed", STUDY, "seed = 7", f"seed = {'9' * 400}", ("study.seed", "400 digits")),
    Case("74_endless_seed", STUDY, "seed = 7", f"seed = {'9' * 5000}", ("tiny.toml",)),
    Case("75_one_strategy", STUDY, '"alpha_first", "beta_first"]', '"alpha_first"]', ("study.strategies", "1 strategy", "two or more")),
    Case("77_comparator", STUDY, 'comparator = "alpha_first"', 'comparator = "alpha_frist"', ("study.comparator", "did you mean 'alpha_first'")),
    Case("78_threshold_text", STUDY, "thresholds = [50000, 100000]", 'thresholds = ["50,000"]', ("thresholds[0]", "write 50000")),
    Case("78_threshold_negative", STUDY, "thresholds = [50000, 100000]", "thresholds = [-1]", ("economics.thresholds", "none below 0")),
    Case("83_denial", COURSE, "without a reason,0.05,probability", "without a reason,1.7,probability", ("from 0 to 1",)),
    Case("85_semicolons", PRICES, ",", ";", ("prices.csv, row 1", "separated by ';'", "decimal point")),
    Case("85_column_twice", PRICES, "item,label,value", "item,label,label,value", ("prices.csv, row 1", "column label twice")),
    Case("85_column_missing", PRICES, ",unit,currency", ",currency", ("no column unit",)),
    Case("85_too_many_cells", PRICES, PILL, PILL.replace("1.5", "1,500"), ("row 2", "14 cells")),
    Case("85_open_quote", PRICES, "alpha pill", '"alpha pill', ("prices.csv", "quotation marks")),
    Case("88_line_in_label", STUDY, 'label = "Two', 'label = "line\\nTwo', ("study.label", "one line")),
    Case("88_nul_in_label", STUDY, 'label = "Two', 'label = "\\u0000Two', ("control character",)),
    Case("88_escape_in_cell", PRICES, "alpha pill", "alpha \x1b[2Jpill", ("control character \\x1b",)),
    Case("88_long_label", STUDY, 'label = "Two', 'label = "' + "x" * 300, ("study.label", "200 characters")),
    Case("88_own_strategy", STUDY, "[switches]", '[strategies."<b>x"]\nlabel = "x"\n[switches]', ("strategies.<b>x", "letters, digits and underscores", "write b_x")),
    Case("08_many_values", STUDY, "[switches]", f"x = [{'1,' * 20_001}]\n[switches]", ("more than 20,000 values",)),
    Case("08_deep_keys", STUDY, "[switches]", ".".join("a" * 3000) + " = 1\n[switches]", ("nested deeper than 50",)),
    Case("89_patients_outside", STUDY, 'cohort = "naive"', 'patients_file = "../secret.csv"', ("study.patients_file", "outside the scenario's folder")),
    Case("89_patients_absolute", STUDY, 'cohort = "naive"', 'patients_file = "/etc/passwd"', ("outside the scenario's folder",)),
    Case("89_patients_folder", STUDY, 'cohort = "naive"', 'patients_file = "tiny"', ("a folder",)),
    Case("pack_without_interval", DOSING, "packs,30,mg,30", "packs,30,mg,", ("dosing.csv (beta, beta_pill), column interval_days", "days that a pack lasts")),
    Case("dose_per_kg_without_weight", DOSING, "grade\nalpha,alpha_pill,drug,rate,3650,mg,,made_up,assumption", "grade,basis\nalpha,alpha_pill,drug,rate,3650,mg,,made_up,assumption,per_kg", ("column basis", "declare weight_kg")),
    Case("vials_that_are_no_numbers", DOSING, "grade\nalpha,alpha_pill,drug,rate,3650,mg,,made_up,assumption", "grade,vial_sizes\nalpha,alpha_pill,drug,scheduled,3650,mg,30,made_up,assumption,80 mg", ("column vial_sizes", "80 mg", "without units")),
    Case("resource_of_unknown_kind", ECONOMICS, 'kind = "condition"', 'kind = "conditon"', ("resources[1].kind", "did you mean 'condition'")),
    Case("resource_of_unknown_name", ECONOMICS, 'name = "infection"', 'name = "infectoin"', ("resources[1].name", "did you mean 'infection'")),
    Case("resource_band_of_events", ECONOMICS, 'kind = "condition"', 'kind = "condition", marker = "score"', ("resources[1].marker", "a band of score per event")),
    Case("missing_price", PRICES, "2025-01-01", "2026-06-01", ("no list price of alpha_pill on 2026-01-01", "list from 2026-06-01")),
    Case("dosing_unit", DOSING, "3650,mg", "3650,tablet", ("alpha_pill used in tablet, priced per mg",)),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny study."""
    shutil.copytree(FIXTURES, tmp_path / "study", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "study"


def files_of(folder: Path) -> dict[Path, bytes]:
    """Everything in a folder."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def complaint(folder: Path) -> str:
    """What reading says; every fault has its parts, and nothing is written."""
    before = files_of(folder)
    with pytest.raises(ScenarioError) as caught:
        read(folder / STUDY)
    assert files_of(folder) == before
    for fault in caught.value.faults:
        assert fault.where
        assert fault.found
        assert fault.expected
        assert fault.mend
    text = str(caught.value)
    assert "Traceback" not in text
    assert "pydantic" not in text
    return text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_told_in_four_parts(folder: Path, case: Case) -> None:
    path = folder / case.file
    text = path.read_text(encoding="utf-8")
    assert case.old in text, "the case edits nothing"
    many = -1 if case.name == "85_semicolons" else 1
    path.write_text(text.replace(case.old, case.new, many), encoding="utf-8", newline="")
    if case.name == "61_no_absorbing_state":
        edit(folder, STUDY, "horizon = 10.0", "horizon = 60.0")
    said = complaint(folder)
    for word in case.words:
        assert word in said, said


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a text of a file."""
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


BYTES = {
    "01_empty": (b"", "an empty file"),
    "01_blank": (b" \n\n", "an empty file"),
    "02_utf16": ("[study]".encode("utf-16"), "UTF-16"),
    "02_binary": (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
    "02_latin": (b"label = 'na\xefve'", "not UTF-8"),
    "08_large": (b"#" * 5_000_001, "at most 5 MB"),
}


@pytest.mark.parametrize("name", BYTES)
@pytest.mark.parametrize("file", [STUDY, PRICES])
def test_what_is_not_text_is_refused(folder: Path, name: str, file: str) -> None:
    data, word = BYTES[name]
    (folder / file).write_bytes(data)
    assert word in complaint(folder)


def test_missing_files_are_all_named(folder: Path) -> None:
    for file in (ECONOMICS, PRICES, COHORTS):
        (folder / file).unlink()
    said = complaint(folder)
    for file in (ECONOMICS, PRICES, COHORTS):
        assert file in said


def test_a_folder_instead_of_a_scenario_is_refused(folder: Path) -> None:
    (folder / STUDY).unlink()
    (folder / STUDY).mkdir()
    assert "a folder" in complaint(folder)


def test_faults_of_several_files_are_told_together(folder: Path) -> None:
    edit(folder, PRICES, "alpha pill,1.5", "alpha pill,-1.5")
    edit(folder, STUDY, "horizon = 10.0", "horizon = 0")
    edit(folder, COURSE, "13,weeks", "13,wekes")
    said = complaint(folder)
    assert "prices.csv, row 2" in said
    assert "study.horizon" in said
    assert "wekes" in said


def test_many_faults_are_counted_after_fifty(folder: Path) -> None:
    edit(folder, STUDY, "[switches]", "\n".join(f"unknown_{number} = 1" for number in range(60)) + "\n[switches]")
    faults = check(folder / STUDY)
    assert len(faults) == 60
    assert "and 10 more" in complaint(folder)


def test_the_same_faults_come_from_check_and_read(folder: Path) -> None:
    edit(folder, STUDY, "horizon = 10.0", "horizon = 0")
    with pytest.raises(ScenarioError) as caught:
        read(folder / STUDY)
    assert check(folder / STUDY) == list(caught.value.faults)


def test_a_number_that_only_another_option_brings_is_judged_too(folder: Path) -> None:
    edit(folder, PATHWAY, 'set = { drift = "drift_fast" }', 'set = { stop_rate = "spare_rate" }')
    edit(folder, COURSE, "denial,denied", "spare_rate,spare,-1,per year,fixed,,,,,made_up,assumption,,\ndenial,denied")
    said = complaint(folder)
    assert "switch drift = fast: stop_rate = -1 per year" in said


WARNINGS = {
    "26_free_drug": (PRICES, PILL, PILL.replace("1.5", "0"), "a free drug?"),
    "42_utility_above_norm": (PEOPLE, "usual score,0.7,utility,beta,0.6,0.8", "usual score,0.95,utility,fixed,,", "above the population norm"),
    "51_normal_rate": (COURSE, "5,per 100 years,gamma,3,8", "5,per 100 years,normal,-2,12", "1 % of the draws of stop_rate fall below 0"),
    "51_normal_probability": (COURSE, "probability,beta,,,0.02", "probability,normal,,,0.02", "outside what is possible"),
    "52_unused": (PEOPLE, "one,one,1", "spare,spare,2,years,fixed,,,,,made_up,assumption,,\none,one,1", "spare is used by no document"),
    "76_identical": (STRATEGIES, '{ candidates = [{ regimen = ["beta"] }] }, { candidates = [{ regimen = ["alpha", "beta"], when = "progressed" }] }', '{ candidates = [{ regimen = ["alpha"] }] }, { candidates = [{ regimen = ["beta"] }] }', "exactly 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_odd_is_read_with_a_warning(folder: Path, name: str) -> None:
    file, old, new, word = WARNINGS[name]
    edit(folder, file, old, new)
    scenario, faults, warnings = inspect(folder / STUDY)
    assert not faults, faults[0]
    assert scenario is not None
    assert any(word in warning for warning in warnings), warnings
    assert tuple(warnings) == scenario.warnings


ACCEPTED = {
    "03_byte_order_mark": lambda data: b"\xef\xbb\xbf" + data,
    "85_carriage_returns": lambda data: data.replace(b"\n", b"\r\n"),
    "85_trailing_blank_lines": lambda data: data + b"\n\n\n",
}


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("file", [STUDY, PATHWAY, PRICES, COURSE])
def test_harmless_ways_of_saving_change_nothing(folder: Path, name: str, file: str) -> None:
    path = folder / file
    plain = read(folder / STUDY)
    path.write_bytes(ACCEPTED[name](path.read_bytes()))
    again = read(folder / STUDY)
    assert again.base_values() == plain.base_values()
    assert again.library.prices == plain.library.prices


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "<script>alert(1)</script>", "émoji 🫁"]
)
def test_case_86_87_text_is_taken_as_it_stands(folder: Path, text: str) -> None:
    quoted = text.replace('"', '""')
    edit(folder, PRICES, "alpha_pill,alpha pill", f'alpha_pill,"{quoted}"')
    assert read(folder / STUDY).library.prices[0].label == text


def values_at(tree: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of all values of a TOML document."""
    found = [path] if path else []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, item in items:
        found += values_at(item, (*path, key))
    return found


def as_toml(value: object) -> str:
    """A value as TOML inline text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {as_toml(item)}' for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


MUTATIONS: list[Callable[[object], object]] = [
    lambda value: -value if isinstance(value, int | float) else [value],
    lambda value: value * 1_000_000 if isinstance(value, int | float) else f"{value}x",
    lambda value: 0,
    str,
    lambda value: {"key": 1},
    lambda value: [],
    lambda value: "",
    lambda value: True,
]


@pytest.mark.parametrize("file", [STUDY, PATHWAY, STRATEGIES, COHORTS, ECONOMICS])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_mutated_document_is_read_or_refused_but_never_breaks(folder: Path, file: str, seed: int) -> None:
    original = (folder / file).read_text(encoding="utf-8")
    paths = values_at(tomllib.loads(original))
    choice = np.random.Generator(np.random.Philox(seed))
    complaints: list[str] = []
    for _ in range(25):
        tree = tomllib.loads(original)
        path = paths[int(choice.integers(len(paths)))]
        parent: object = tree
        for key in path[:-1]:
            parent = parent[key]  # type: ignore[index]
        which = int(choice.integers(len(MUTATIONS) + 1))
        if which == len(MUTATIONS):
            del parent[path[-1]]  # type: ignore[attr-defined]
        else:
            parent[path[-1]] = MUTATIONS[which](parent[path[-1]])  # type: ignore[index]
        (folder / file).write_text(
            "\n".join(f'"{key}" = {as_toml(item)}' for key, item in tree.items()) or "\n", encoding="utf-8"
        )
        try:
            scenario = read(folder / STUDY)
        except PathwayError as error:
            complaints += [fault.where and fault.found for fault in error.faults]
        else:
            assert all(np.isfinite(value) for value in scenario.base_values().values())
    assert all(complaints)


@pytest.mark.parametrize(
    "file", [COURSE, PEOPLE, PRICES, DOSING, LIVES, "tiny/utility_norms.csv", "tiny/reference_equations.csv"]
)
def test_a_mutated_table_is_read_or_refused_but_never_breaks(folder: Path, file: str) -> None:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    choice = np.random.Generator(np.random.Philox(3))
    complaints: list[str] = []
    for _ in range(25):
        rows = [line.split(",") for line in lines]
        row = rows[int(choice.integers(len(rows)))]
        column = int(choice.integers(len(row)))
        edits = ["", "0", f"-{row[column]}", f"{row[column]}000000", "x", "1e308", '"', ";", "nan", row[column - 1]]
        row[column] = edits[int(choice.integers(len(edits)))]
        (folder / file).write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
        try:
            scenario = read(folder / STUDY)
        except PathwayError as error:
            complaints += [fault.where and fault.found for fault in error.faults]
        else:
            assert all(np.isfinite(value) for value in scenario.base_values().values())
    assert all(complaints)
