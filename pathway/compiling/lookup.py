"""Names and numbers of a study, looked up while it is compiled.

Every fault (a number without a row, a name that nothing bears) is noted and the work goes on with a harmless
stand-in, so that all faults are told at once. This module must not know what the numbers mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from pathway.definition.access import Access
from pathway.definition.scenario import Scenario
from pathway.definition.strategies import StrategyDefinition
from pathway.errors import FaultList, did_you_mean
from pathway.program import INFINITY, Clock, ClockKind, Phases

TREATMENTS_AT_MOST = 62
"""A regimen is a bit set in a signed 64-bit number."""
PLAIN_CLOCKS = {
    "entry": ClockKind.ENTRY,
    "line": ClockKind.LINE,
    "age": ClockKind.AGE,
    "onset": ClockKind.ONSET,
}
COURSE_CLOCKS = {"course": ClockKind.COURSE, "course_end": ClockKind.COURSE_END}
AGE, FEMALE, ONSET = ("age",), ("female",), ("onset_years", "disease_duration", "onset")
"""Covariates that carry age, sex and years since onset at entry: the first that the pathway declares."""


class Lookup:
    """What one program is compiled from.

    Attributes
    ----------
    scenario, strategy
        The study, and the strategy of it.
    faults
        What was found wrong so far.
    access, access_name
        The payer's process it runs under.
    alive
        Bit set of the states that are not absorbing.
    """

    __slots__ = ("_orders", "_units", "_values", "access", "access_name", "alive", "faults", "scenario", "strategy")

    def __init__(self, scenario: Scenario, strategy: str, values: Mapping[str, float]) -> None:
        pathway = scenario.library.pathway
        self.scenario = scenario
        self.strategy: StrategyDefinition = scenario.strategies[strategy]
        self.access: Access = scenario.access(strategy)
        self.access_name = scenario.access_name(strategy)
        self.faults = FaultList()
        self._values = values
        self._units: dict[str, str] = {}
        self._orders: dict[str, dict[str, int]] = {
            kind: {name: number for number, name in enumerate(names)}
            for kind, names in (
                ("state", pathway.states),
                ("covariate", pathway.covariates),
                ("marker", pathway.markers),
                ("finding", pathway.findings),
                ("index", pathway.indices),
                ("condition", pathway.conditions),
                ("flag", pathway.flags),
                ("rule", pathway.rules),
                ("treatment", [row.id for row in scenario.library.treatments]),
            )
        }
        self.alive = sum(1 << number for number, state in enumerate(pathway.states.values()) if not state.is_absorbing)
        if len(self.names("treatment")) > TREATMENTS_AT_MOST:
            self.fault("treatments.csv", f"{len(self.names('treatment'))} treatments", f"at most {TREATMENTS_AT_MOST}")

    def fault(self, where: str, found: str, expected: str = "", mend: str = "") -> None:
        """Note a fault."""
        mend = mend or "correct it there, or the row of evidence/ that it names"
        self.faults.add(where=where, found=found, expected=expected or "what the grammar describes", mend=mend)

    # --- numbers ------------------------------------------------------------------------------------------------

    def value(self, name: str, where: str) -> float:
        """Look up the number of an id, in house units."""
        found = self._values.get(name)
        if found is None:
            near = did_you_mean(name, list(self._values))
            found_text = f"value '{name}', which no evidence row or derived value gives"
            self.fault(where, found_text, "an id of the evidence", near)
            return math.nan
        if not math.isfinite(found):
            self.fault(where, f"value '{name}' = {found}", "a finite number")
        return found

    def optional(self, name: str | None, where: str, absent: float = 0.0) -> float:
        """Look up the number of an id, or ``absent`` where none is named."""
        return absent if name is None else self.value(name, where)

    def probability(self, name: str | None, where: str) -> float:
        """Look up the number of an id as a probability; 0 where none is named."""
        found = self.optional(name, where)
        if found < 0.0 or found > 1.0:
            self.fault(where, f"probability '{name}' = {found:g}", "a number from 0 to 1")
        return found

    def at_least_zero(self, name: str | None, where: str, absent: float = 0.0) -> float:
        """Look up the number of an id that cannot be negative (a delay, a spread, a rate)."""
        found = self.optional(name, where, absent)
        if found < 0.0:
            self.fault(where, f"value '{name}' = {found:g}", "a number that is not negative")
        return found

    def above_zero(self, name: str | None, where: str, absent: float = 1.0) -> float:
        """Look up the number of an id that must be positive."""
        found = self.optional(name, where, absent)
        if found <= 0.0:
            self.fault(where, f"value '{name}' = {found:g}", "a number above zero")
        return found

    def unit(self, name: str) -> str:
        """House unit of what gives an id its value: the scenario's own row, a stand-in, evidence or a derived sum."""
        scenario = self.scenario
        if name in scenario.overrides:
            return scenario.overrides[name].unit
        target = name
        if scenario.cohort is not None:
            target = scenario.cohort.set.get(target, target)
        for switch, option in scenario.switches.items():
            stand_ins = scenario.library.pathway.switches[switch].options[option].set
            if target in stand_ins:
                target = stand_ins[target]
                break
        for rows in (scenario.overrides, scenario.library.parameters, scenario.library.pathway.derived):
            if target in rows:
                return rows[target].unit
        return ""

    def phases(self, names: Sequence[str], until: Sequence[str], where: str) -> Phases:
        """Values by phase; the last edge is infinite."""
        edges = [self.value(name, where) for name in until]
        if len(edges) != len(names) - 1:
            self.fault(where, f"{len(names)} values and {len(edges)} ends of phases", "one end fewer than values")
            edges = [float(number) for number in range(1, len(names))]
        if any(later <= earlier for earlier, later in zip([0.0, *edges], edges, strict=False)):
            self.fault(where, f"ends of phases {', '.join(f'{edge:g}' for edge in edges)}", "rising numbers above zero")
        return Phases(values=tuple(self.value(name, where) for name in names), edges=(*edges, INFINITY))

    # --- names --------------------------------------------------------------------------------------------------

    def names(self, kind: str) -> tuple[str, ...]:
        """All names of a kind, in definition order."""
        return tuple(self._orders[kind])

    def index(self, kind: str, name: str | None, where: str) -> int:
        """Give the number of a name; -1 where none is given."""
        if name is None:
            return -1
        found = self._orders[kind].get(name)
        if found is None:
            known = list(self._orders[kind])
            expected = ", ".join(known) or f"no {kind} is declared"
            self.fault(where, f"{kind} '{name}'", expected, did_you_mean(name, known))
            return -1
        return found

    def bits(self, kind: str, names: Iterable[str], where: str) -> int:
        """Bit set of names."""
        found = 0
        for name in names:
            number = self.index(kind, name, where)
            if number >= 0:
                found |= 1 << number
        return found

    def states(self, names: Sequence[str] | str, where: str) -> int:
        """Bit set of states; ``alive``: all that are not absorbing."""
        return self.alive if isinstance(names, str) else self.bits("state", names, where)

    def pairs(self, wanted: Mapping[str, float], where: str) -> tuple[tuple[int, float], ...]:
        """Covariates with the value they must have."""
        return tuple((self.index("covariate", name, where), float(value)) for name, value in wanted.items())

    def clock(self, text: str, where: str) -> Clock:
        """Read a clock as written: ``entry``, ``line``, ``age``, ``onset``, ``course:mmf``, ``course_end:mmf``."""
        kind, _, treatment = text.partition(":")
        if treatment:
            return Clock(kind=COURSE_CLOCKS[kind], treatment=self.index("treatment", treatment, where))
        if kind in ("age", "onset"):
            self.need(AGE if kind == "age" else ONSET, where)
        return Clock(kind=PLAIN_CLOCKS[kind])

    def covariate(self, choices: Sequence[str]) -> int:
        """Give the number of the first of these covariates that the pathway declares; -1 if none."""
        return next((self._orders["covariate"][name] for name in choices if name in self._orders["covariate"]), -1)

    def need(self, choices: Sequence[str], where: str) -> None:
        """Note a fault if the pathway declares none of these covariates."""
        if self.covariate(choices) < 0:
            self.fault(where, "no covariate for it", " or ".join(choices), "declare the covariate in pathway.toml")
