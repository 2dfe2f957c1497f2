"""How a run is shown: names, order and colours that stay the same in every table and figure.

This module must not compute an outcome.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pathway.errors import shown
from pathway.report.histories import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pathway.definition.scenario import Scenario
    from pathway.experiment import Results, StrategyResult
    from pathway.program import Program

STRATEGY_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#999933", "#6A3D9A")
"""Okabe and Ito's colour-blind-safe set, without the yellow that white paper swallows (https://jfly.uni-koeln.de/color/), and three more for large studies."""
REFERENCE_COLOUR = "#7F7F7F"
REGIMEN_COLOURS = (
    "#332288",
    "#88CCEE",
    "#DDCC77",
    "#CC6677",
    "#117733",
    "#AA4499",
    "#44AA99",
    "#882255",
    "#999933",
    "#6699CC",
    "#661100",
    "#AA7744",
)
"""Paul Tol's muted set and three more for many regimens (https://sronpersonalpages.nl/~pault/)."""
NO_TREATMENT_COLOUR = "#D9D9D9"
LINE_COLOURS = ("#08519C", "#4292C6", "#9ECAE1", "#C6DBEF")
OTHER_STATE_COLOURS = ("#807DBA", "#41AB5D", "#999933", "#CC79A7")
DEAD_COLOUR = "#F2F2F2"
CATEGORY_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#999933",
    "#882255",
    "#44AA99",
    "#666666",
    "#DDCC77",
    "#332288",
)


def plain(text: str) -> str:
    """Text of a document as it may be drawn or printed: control and direction-changing characters escaped."""
    return shown(text)


def wrapped(text: str, width: int = 24, lines: int = 3) -> str:
    r"""Break a label into at most ``lines`` lines.

    Examples
    --------
    >>> wrapped("MMF, then tocilizumab", 12)
    'MMF, then\ntocilizumab'
    """
    return "\n".join(textwrap.wrap(plain(text), width, max_lines=lines, placeholder=" …"))


def mixed(colour: str, other: int) -> str:
    """Half of a colour, half of a grey from 0 (black) to 255 (white).

    Examples
    --------
    >>> mixed("#332288", 255)
    '#9990c3'
    """
    return "#" + "".join(f"{(int(colour[k : k + 2], 16) + other) // 2:02x}" for k in (1, 3, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Names, order and colours of the strategies, without their histories: what a pen needs to know.

    Attributes
    ----------
    labels, colours
        By strategy.
    reference_only
        Strategies kept off the frontier.
    currency
        With its price year.
    """

    ids: tuple[str, ...]
    labels: dict[str, str]
    colours: dict[str, str]
    comparator: str
    reference_only: tuple[str, ...]
    currency: str


@dataclass(frozen=True)
class View:
    """A run as it is shown.

    Parameters
    ----------
    results
        A run of :mod:`pathway.experiment`.
    """

    results: Results

    @property
    def scenario(self) -> Scenario:
        """The study."""
        return self.results.scenario

    @property
    def ids(self) -> tuple[str, ...]:
        """Strategies in the order of the study."""
        return tuple(self.results.strategies)

    @property
    def runs(self) -> list[StrategyResult]:
        """Results by strategy, in that order."""
        return list(self.results.strategies.values())

    @property
    def comparator(self) -> str:
        """The comparator's id."""
        return self.scenario.study.comparator

    def label(self, strategy: str) -> str:
        """Words for a strategy."""
        return plain(self.scenario.strategies[strategy].label)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Labels by id; two strategies with one label are told apart by their ids."""
        words = [self.label(name) for name in self.ids]
        return {
            name: word if words.count(word) == 1 else f"{word} ({name})"
            for name, word in zip(self.ids, words, strict=True)
        }

    def is_reference_only(self, strategy: str) -> bool:
        """Tell whether it is printed as a reference, off the frontier."""
        return self.scenario.strategies[strategy].reference_only

    @cached_property
    def reference_only(self) -> tuple[str, ...]:
        """Ids of strategies kept off the frontier."""
        return tuple(name for name in self.ids if self.is_reference_only(name))

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colour of each strategy of the study, whether or not it ran: a part of the study looks like the whole."""
        found: dict[str, str] = {}
        for name, strategy in self.scenario.strategies.items():
            others = sum(1 for known in found.values() if known != REFERENCE_COLOUR)
            is_grey = strategy.reference_only and REFERENCE_COLOUR not in found.values()
            found[name] = REFERENCE_COLOUR if is_grey else STRATEGY_COLOURS[others % len(STRATEGY_COLOURS)]
        return found

    @cached_property
    def look(self) -> Look:
        """Names and colours, to be handed to a drawing."""
        return Look(
            ids=self.ids, labels=self.labels, colours=self.colours, comparator=self.comparator, reference_only=self.reference_only, currency=self.currency
        )

    def reading(self, run: StrategyResult) -> Reading:
        """What the histories of a run say, each thing read once."""
        if id(run) not in self._readings:
            self._readings[id(run)] = Reading(run.log, run.program) if self.results.has_logs else Reading(None, run.program, run.summary)
        return self._readings[id(run)]

    @cached_property
    def _readings(self) -> dict[int, Reading]:
        """By identity of the strategy's result, which ``results`` keeps alive."""
        return {}

    def treatment(self, name: str) -> str:
        """Words for a treatment."""
        return next((plain(row.label) for row in self.scenario.library.treatments if row.id == name), name)

    def regimen(self, bits: int, program: Program) -> str:
        """Words for a regimen."""
        return (
            " + ".join(self.treatment(name) for bit, name in enumerate(program.treatments) if bits >> bit & 1)
            or "no treatment"
        )

    @cached_property
    def regimens(self) -> dict[int, str]:
        """Colour of every regimen that any strategy of this run used; most used first."""
        used: dict[int, int] = {}
        for result in self.runs:
            bits, counts = np.unique(result.log.events["regimen"], return_counts=True)
            for bit, count in zip(bits.tolist(), counts.tolist(), strict=True):
                used[bit] = used.get(bit, 0) + count
        ordered = sorted((bit for bit in used if bit), key=lambda bit: (-used[bit], bit))
        palette = (*REGIMEN_COLOURS, *(mixed(colour, grey) for grey in (255, 40) for colour in REGIMEN_COLOURS))
        colours = {bit: palette[rank % len(palette)] for rank, bit in enumerate(ordered)}
        return {0: NO_TREATMENT_COLOUR, **colours}

    def state(self, name: str) -> str:
        """Words for a state."""
        states = self.scenario.library.pathway.states
        return plain(states[name].label) if name in states else name

    def state_colour(self, index: int, program: Program) -> str:
        """Colour of a state: lines in paling blue, absorbing states nearly white."""
        if program.absorbing >> index & 1:
            return DEAD_COLOUR
        if program.state_line[index] > 0:
            return LINE_COLOURS[min(program.state_line[index], len(LINE_COLOURS)) - 1]
        if index == program.last_resort and index != program.start_state:
            return "#E6A97B"
        return "#BBBBBB" if index == program.start_state else OTHER_STATE_COLOURS[index % len(OTHER_STATE_COLOURS)]

    def condition(self, name: str) -> str:
        """Words for an acute condition."""
        conditions = self.scenario.library.pathway.conditions
        return plain(conditions[name].label) if name in conditions else name

    @property
    def currency(self) -> str:
        """Currency and price year, for the heads of columns."""
        return f"{self.scenario.economics.currency} {self.scenario.economics.price_year}"

    def costs(self, strategy: str) -> NDArray[np.float64]:
        """Discounted cost of every patient, shape (patients,)."""
        return self.results.strategies[strategy].outcomes.total

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Cost categories of any strategy."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.outcomes.categories))

    def category_costs(self, strategy: str, category: str, *, discounted: bool = True) -> NDArray[np.float64]:
        """Cost of every patient in one category, shape (patients,); zero where the strategy never uses it."""
        outcomes = self.results.strategies[strategy].outcomes
        table = outcomes.costs if discounted else outcomes.costs_undiscounted
        if category not in outcomes.categories:
            return np.zeros(table.shape[0])
        return np.asarray(table[:, outcomes.categories.index(category)], dtype=np.float64)

    def qalys(self, strategy: str) -> NDArray[np.float64]:
        """Discounted QALYs of every patient, shape (patients,)."""
        return np.asarray(self.results.strategies[strategy].outcomes.qalys_discounted, dtype=np.float64)
