"""Rules that read the record of a life in flat arrays: the other half of the compiled twin of :mod:`pathway.engines.record`.

Arguments as in :mod:`pathway.engines.compiled_record`; ``k`` is where a row of code begins among the program's whole numbers.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.engines.compiled_record import field_value
from pathway.engines.record import EVERY_DOCUMENT
from pathway.jit import inner_kernel
from pathway.program import Op
from pathway.rules import Truth

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
NOT_MET, NOT_DOCUMENTED, MET, NOT_APPLICABLE = int(Truth.NOT_MET), int(Truth.NOT_DOCUMENTED), int(Truth.MET), int(Truth.NOT_APPLICABLE)
LEAF, ALL, ANY = int(Op.LEAF), int(Op.ALL), int(Op.ANY)
NOT, APPLIES_IF, ALWAYS = int(Op.NOT), int(Op.APPLIES_IF), int(Op.ALWAYS)


@inner_kernel
def leaf(p: Ints, q: Floats, s: Ints, z: Floats, k: int, time: float, documents: int) -> int:
    """Truth of a leaf; not documented where its document is not at hand."""
    document = p[k + at.K_DOCUMENT]
    if document >= 0 and not documents >> document & 1:
        return NOT_DOCUMENTED
    numbers = p[k + at.K_FLOATS]
    value = field_value(p, q, s, z, p[k + at.K_FIELD], p[k + at.K_OF], q[numbers + at.KF_WINDOW], time)
    if value != value:
        return NOT_DOCUMENTED
    if value == INFINITY:
        return NOT_APPLICABLE
    if q[numbers + at.KF_AT_LEAST] <= value <= q[numbers + at.KF_AT_MOST] and q[numbers + at.KF_ABOVE] < value < q[numbers + at.KF_BELOW]:
        return MET
    return NOT_MET


@inner_kernel
def combined(s: Ints, op: int, first: int, last: int, needed: int) -> int:
    """Truth of a group whose operands stand at ``first`` to ``last`` (excluded) of the stack."""
    applicable = 0
    lowest = NOT_APPLICABLE
    highest = -1
    met = 0
    possible = 0
    for place in range(first, last):
        truth = s[place]
        if truth == NOT_APPLICABLE:
            continue
        applicable += 1
        lowest = min(lowest, truth)
        highest = max(highest, truth)
        met += 1 if truth == MET else 0
        possible += 1 if truth >= NOT_DOCUMENTED else 0
    if applicable == 0:
        return NOT_APPLICABLE
    if op == ALL:
        return lowest
    if op == ANY:
        return highest
    if met >= needed:
        return MET
    return NOT_DOCUMENTED if possible >= needed else NOT_MET


@inner_kernel
def judge_request(p: Ints, q: Floats, s: Ints, z: Floats, rule: int, documents: int, asked: int) -> int:
    """Truth of a rule now on the documents at hand and what is asked for (-1: met); the deciding clause is left in ``S_CLAUSE``.

    An operand that alone fixes its group ends it: the rest could change neither truth nor clause.
    """
    s[at.S_CLAUSE] = -1
    s[at.S_ASKED] = asked
    if rule < 0:
        return MET
    time = z[at.Z_TIME]
    truths = at.I_TRUTH
    clauses = at.I_CLAUSE
    depth = 0
    row = p[at.P_RULE] + rule * at.R_SIZE
    number = p[row + at.R_FIRST]
    last = p[row + at.R_LAST]
    while number < last:
        k = p[at.P_CODE] + number * at.K_SIZE
        op = p[k + at.K_OP]
        if op == LEAF:
            s[truths + depth] = leaf(p, q, s, z, k, time, documents)
            s[clauses + depth] = p[k + at.K_LABEL]
            depth += 1
        elif op == NOT:
            if s[truths + depth - 1] != NOT_APPLICABLE:
                s[truths + depth - 1] = 2 - s[truths + depth - 1]
        elif op == APPLIES_IF:
            depth -= 1
            guard = s[truths + depth - 1]
            if guard == MET:
                s[truths + depth - 1] = s[truths + depth]
                s[clauses + depth - 1] = s[clauses + depth]
            else:
                s[truths + depth - 1] = NOT_DOCUMENTED if guard == NOT_DOCUMENTED else NOT_APPLICABLE
        elif op == ALWAYS:
            s[truths + depth] = MET
            s[clauses + depth] = p[k + at.K_LABEL]
            depth += 1
        else:
            first = depth - p[k + at.K_COUNT]
            truth = combined(s, op, truths + first, truths + depth, p[k + at.K_NEEDED])
            clause = s[clauses + first]
            for place in range(first, depth):
                if s[truths + place] == truth:
                    clause = s[clauses + place]
                    break
            s[truths + first] = truth
            s[clauses + first] = clause
            depth = first + 1
        while p[k + at.K_DECIDES] == s[truths + depth - 1]:
            first = depth - 1 - p[k + at.K_BEHIND]
            s[truths + first] = s[truths + depth - 1]
            s[clauses + first] = s[clauses + depth - 1]
            depth = first + 1
            number = p[k + at.K_UNTIL]
            k = p[at.P_CODE] + number * at.K_SIZE
        number += 1
    s[at.S_CLAUSE] = s[clauses]
    return s[truths]


@inner_kernel
def judge(p: Ints, q: Floats, s: Ints, z: Floats, rule: int) -> int:
    """Truth of a rule now on the whole record; the deciding clause is left in ``S_CLAUSE``."""
    return judge_request(p, q, s, z, rule, EVERY_DOCUMENT, 0)
