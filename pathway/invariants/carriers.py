"""What invariants ask for that a record may not carry: what it is, and what would carry it."""

from __future__ import annotations

CARRIERS: dict[str, str] = {
    "anc": "neutrophils (per mm3) as a finding",
    "plt": "platelets (per mm3) as a finding",
    "alt": "ALT (multiples of the upper limit) as a finding",
    "tb_test": "result of a tuberculosis test (0 negative, 1 positive) as a finding; the ledger bills the test",
    "tb_treatment_started": "treatment of latent tuberculosis as a finding",
    "hbsag": "result of HBsAg as a finding; the ledger bills the panel",
    "anti_hbc": "result of anti-HBc as a finding; the ledger bills the panel",
    "live_vaccine": "a live vaccine given (1), as a finding",
    "steps of dose": "decisions that reduce a dose, and a history in which one did",
    "tocilizumab_mg": "each dose (mg) as a finding; a log has courses, doses are counted in the ledger",
    "tocilizumab_days": "days between doses as a finding",
    "tocilizumab_subcutaneous": "the route (1 subcutaneous, 0 intravenous) as a finding",
    "nintedanib_daily_mg": "daily dose (mg) as a finding",
    "child_pugh": "Child-Pugh class (1 A, 2 B, 3 C; 0 none) as a finding",
    "intolerable_event": "an adverse event that is not tolerated (1) as a finding; simulated intolerance stops the course by itself",
    "pregnancy_test": "result of a pregnancy test (0 negative, 1 positive) as a finding; the ledger bills the test, no result is recorded",
    "pregnant": "pregnancy (1) as a finding or flag",
    "hrct": "that a CT was read, as a finding",
    "hrct_confirms_ild": "that a CT confirms ILD (1) as a finding",
    "prednisone_mg": "daily glucocorticoid (mg prednisone) as a finding; steroid dose is not simulated",
    "steroid_for_ild": "glucocorticoid given for ILD (1) as a finding; steroid dose is not simulated",
    "ppf": "the diagnosis of progressive pulmonary fibrosis (1) as a finding",
    "ipf": "the diagnosis of idiopathic pulmonary fibrosis (1) as a finding",
    "methotrexate_weekly_mg": "weekly dose (mg) as a finding",
    "methotrexate_adequate": "that a trial of methotrexate was counted as adequate (1) as a finding",
    "methotrexate_excluded": "a documented contraindication to methotrexate (1) as a finding",
    "documented_exception": "a documented exception (1) as a finding",
    "no_alternative": "that no alternative exists (1) as a finding",
    "remission_months": "months in sustained remission as a finding",
    "steroid_stopped": "that glucocorticoid was stopped (1) as a finding",
    "cdai": "CDAI as an index measured at visits",
    "tjc28": "tender joints as a marker measured at visits",
    "sjc28": "swollen joints as a marker measured at visits",
    "pain": "pain as a marker measured at visits",
    "haq": "HAQ as a marker measured at visits",
}
"""Name -> what would carry it."""


def carried_by(name: str) -> str:
    """Say what would carry a name.

    Examples
    --------
    >>> carried_by("anc")
    'needs anc: neutrophils (per mm3) as a finding'
    >>> carried_by("covariate smoker")
    'needs covariate smoker'
    """
    return f"needs {name}: {CARRIERS[name]}" if name in CARRIERS else f"needs {name}"
