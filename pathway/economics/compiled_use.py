"""One pass over what was used: every use at the price in force, added up by patient and pair of category and item, compiled.

A *pair* is ``category * items + item``; pairs in use are numbered in that order. Prices stand flat: steps ``first_step[item]`` to ``first_step[item + 1]`` (excluded) of
``step_start`` and ``step_price`` are an item's, the first also before its start. Rows of one patient and pair stand in order of start, so a sum has one order, whether
the table stands patient by patient or pair by pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_discounting import flow_today, value_today
from pathway.economics.compiled_life import HUNDRED
from pathway.jit import inner_kernel, kernel, place

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

QUANTITY, WASTE, COST, COST_TODAY = 0, 1, 2, 3
"""Columns of what is added up by hundreds."""


@kernel
def mark_pairs(category: Ints, item: Ints, items: int, in_use: Ints) -> None:
    """Set ``in_use``, shape (categories * items,), to 1 for every pair that has a row."""
    for row in range(category.shape[0]):
        in_use[place(category[row] * items + item[row])] = 1


@kernel
def add_uses(
    patient: Ints, category: Ints, item: Ints, quantity: Floats, waste: Floats, start: Floats, stop: Floats, number: Ints, first_step: Ints, step_start: Floats, step_price: Floats,
    rho: float, convention: int, plain: Floats, today: Floats, by_hundred: Floats,
) -> None:  # fmt: skip
    """Add every use to its pair: what is used at once at the price of its time, what accrues evenly split where the price changes.

    Parameters
    ----------
    patient, category, item, quantity, waste, start, stop : shape (rows,)
        As in :mod:`pathway.economics.ledger`.
    number : shape (categories * items,)
        Number of every pair in use.
    first_step, step_start, step_price
        Prices.
    rho, convention
        Of costs.
    plain, today : shape (pairs, patients)
        Undiscounted and discounted cost, added to.
    by_hundred : shape (parts, pairs, 4)
        Quantity and waste, added to.
    """
    items = first_step.shape[0] - 1
    row = 0
    while row < patient.shape[0]:
        who = patient[place(row)]
        kind = category[place(row)]
        thing = item[place(row)]
        pair = number[place(kind * items + thing)]
        hundred = who // HUNDRED
        first = first_step[place(thing)]
        last = first_step[place(thing + 1)] - 1
        sum_plain = plain[place(pair), place(who)]
        sum_today = today[place(pair), place(who)]
        sum_quantity = by_hundred[place(hundred), place(pair), QUANTITY]
        sum_waste = by_hundred[place(hundred), place(pair), WASTE]
        while row < patient.shape[0] and patient[place(row)] == who and item[place(row)] == thing and category[place(row)] == kind:  # rows added to the same sums
            many = quantity[place(row)]
            begin = start[place(row)]
            if begin == stop[place(row)]:
                step = first
                while step < last and step_start[place(step + 1)] <= begin:
                    step += 1
                cost = many * step_price[place(step)]
                cost_today = cost * value_today(begin, rho, convention)
            else:
                cost, cost_today = spread_cost(many, begin, stop[place(row)], first, last, step_start, step_price, rho, convention)
            sum_plain += cost
            sum_today += cost_today
            sum_quantity += many
            sum_waste += waste[place(row)]
            row += 1
        plain[place(pair), place(who)] = sum_plain
        today[place(pair), place(who)] = sum_today
        by_hundred[place(hundred), place(pair), QUANTITY] = sum_quantity
        by_hundred[place(hundred), place(pair), WASTE] = sum_waste


@inner_kernel
def spread_cost(
    quantity: float, start: float, stop: float, first: int, last: int, step_start: Floats, step_price: Floats, rho: float, convention: int
) -> tuple[float, float]:
    """Undiscounted and discounted cost of what accrues evenly, split where the price changes."""
    a_year = quantity / (stop - start)
    cost = 0.0
    cost_today = 0.0
    low = start
    for step in range(first, last + 1):
        high = stop if step == last else min(stop, step_start[step + 1])
        if high > low:
            cost += step_price[step] * a_year * (high - low)
            cost_today += step_price[step] * a_year * flow_today(max(low, 0.0), max(high, 0.0), rho, convention)
            low = high
    return cost, cost_today


@kernel
def add_costs(plain: Floats, today: Floats, category: Ints, costs: Floats, costs_today: Floats, by_hundred: Floats) -> None:
    """Add pairs up by category, and patients by hundreds.

    Parameters
    ----------
    plain, today : shape (pairs, patients)
        As :func:`add_uses` leaves them.
    category : shape (pairs,)
        Of each pair.
    costs, costs_today : shape (patients, categories)
        Added to, pair by pair.
    by_hundred : shape (parts, pairs, 4)
        Cost and discounted cost, added to, patient by patient.
    """
    for pair in range(plain.shape[0]):
        for who in range(plain.shape[1]):
            costs[who, place(category[pair])] += plain[pair, who]
            costs_today[who, place(category[pair])] += today[pair, who]
            by_hundred[place(who // HUNDRED), pair, COST] += plain[pair, who]
            by_hundred[place(who // HUNDRED), pair, COST_TODAY] += today[pair, who]
