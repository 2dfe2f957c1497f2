"""Where things lie in the flat arrays of the compiled engine.

A program becomes two arrays (whole numbers and floats) with a header of counts and offsets, and a life two work arrays of the same kind: many small
arrays would cost more in reference counting than in arithmetic. This file only names places; :mod:`pathway.engines.compiled_packing` fills them and
:mod:`pathway.engines.compiled_kernels` reads them. It must not know what happens.
"""

from __future__ import annotations

from itertools import count

KEPT = 24
"""Measurements of one marker kept for look-back windows; as in :mod:`pathway.engines.record`."""
DEEPEST_STACK = 256
"""Operands a rule may hold at once."""

# --- header of the program's whole numbers: counts ---------------------------------------------------------------------
_number = count().__next__

H_STATES, H_TREATMENTS, H_MARKERS, H_FINDINGS, H_CONDITIONS, H_FLAGS, H_SCHEDULES = (_number() for _ in range(7))
H_TRANSITIONS, H_SCHEDULED, H_DECISIONS, H_EFFECTS, H_LINES, H_COVARIATES, H_NAMES = (_number() for _ in range(7))
H_INDICES, H_RESPONSES, H_LINE_STATES, H_ABSORBING, H_START_STATE, H_LAST_RESORT = (_number() for _ in range(6))
H_IS_GRIDDED = _number()
H_AGE, H_FEMALE, H_ONSET = (_number() for _ in range(3))
"""Covariates that carry age, sex and years since onset; -1: none."""

# Offsets into the program's whole numbers.
P_STATE_VISITS, P_STATE_NAME, P_LINE_SOURCES, P_LINE_STATE, P_FLAG_ENTRY, P_FLAG_NAME, P_TREATMENT_NAME, P_REASON = (_number() for _ in range(8))
P_MARKER, P_FINDING, P_CONDITION, P_SCHEDULE, P_RULE, P_CODE, P_TRANSITION, P_SCHEDULED = (_number() for _ in range(8))
P_DECISION, P_EFFECT, P_LINE, P_INDEX, P_RESPONSE, P_ACCESS = (_number() for _ in range(6))
# Words the engine itself writes.
N_LINE, N_ENTRY, N_CHOICE, N_START, N_RENEWAL, N_RESIDUAL, N_PEER, N_APPEAL, N_APPROVED, N_CONFIRMATORY = (_number() for _ in range(10))
N_NO_CANDIDATE, N_DEATH, N_SUPERSEDED, N_NOT_COVERED, N_COMPLETED, N_GOOD_RESPONSE = (_number() for _ in range(6))
N_BRIDGE, N_ABANDONED, N_INSUFFICIENT, N_RESUBMISSION = (_number() for _ in range(4))
HEADER = _number()
"""Length of the header."""

# --- the program's floats, from 0 ----------------------------------------------------------------------------------------
G_HORIZON, G_GRID = 0, 1
FLOATS_BEGIN = 2

# --- records of the program: fields, and how many (the stride) --------------------------------------------------------------
MARKER_FIELDS = ("name", "baseline", "reference", "first", "factor", "ceiling", "walk_heavy", "error_heavy", "slope_stream", "walk_stream", "floats")
(M_NAME, M_BASELINE, M_REFERENCE, M_LENGTH, M_FACTOR, M_CEILING, M_WALK_HEAVY, M_ERROR_HEAVY, M_SLOPE_STREAM, M_WALK_STREAM, M_FLOATS, M_SIZE) = range(12)
"""``reference`` is the offset of its table for men in the floats (-1: none), women ``length`` later."""
(MF_LOWER, MF_UPPER, MF_PERSONAL, MF_KEEP, MF_WALK, MF_ERROR, MF_ROUND, MF_MISSING, MF_FIRST_AGE, MF_STEP, MF_SIZE) = range(11)

(D_NAME, D_KIND, D_LEVEL_COVARIATE, D_LOG, D_WHILE_ON, D_TERMS, D_TERM_COUNT, D_BANDS, D_BAND_COUNT, D_FLOATS, D_SIZE) = range(11)
"""A finding; ``kind`` 0 yes or no, 1 banded, 2 continuous."""
(DF_LEVEL, DF_ERROR, DF_MISSING, DF_SIZE) = range(4)
(DT_MARKER, DT_ENTRY, DT_TREATMENT, DT_COVARIATE, DT_FLOATS, DT_SIZE) = range(6)
(DTF_WINDOW, DTF_SLOPE, DTF_REFERENCE, DTF_SIZE) = range(4)

(C_NAME, C_STREAM, C_EXPONENTIAL, C_HOLDS, C_FLOATS, C_SIZE) = range(6)

(V_NAME, V_CLOCK, V_CLOCK_TREATMENT, V_WHILE_ON, V_OFFSETS, V_COUNT, V_MEASURES, V_MEASURE_COUNT, V_FINDINGS, V_FINDING_COUNT, V_STREAMS, V_SIZE) = range(12)

(R_FIRST, R_LAST, R_SIZE) = range(3)
(K_OP, K_FIELD, K_OF, K_COUNT, K_NEEDED, K_DOCUMENT, K_LABEL, K_FLOATS, K_DECIDES, K_BEHIND, K_UNTIL, K_SIZE) = range(12)
"""``decides``: truth with which this operand alone fixes its group (-1: none), ``behind`` how many operands stand before it, ``until`` the group's own row."""
(KF_WINDOW, KF_AT_LEAST, KF_AT_MOST, KF_ABOVE, KF_BELOW, KF_SIZE) = range(6)

(T_NAME, T_STREAM, T_SOURCES, T_TO, T_TREATMENT, T_FORM, T_CLOCK, T_CLOCK_TREATMENT, T_RESET, T_REQUIRES_FLAG, T_FORBIDS_FLAG) = range(11)
(T_REQUIRES_CONDITION, T_FORBIDS_CONDITION, T_REQUIRES_REGIMEN, T_STOPS, T_REASON, T_CONDITION, T_FLAG, T_CAUSE, T_INVARIANT, T_IS_DEATH) = range(11, 21)
(T_TABLE, T_TABLE_LENGTH, T_PHASES, T_PHASE_COUNT, T_MARKERS, T_MARKER_COUNT, T_TREATMENTS, T_TREATMENT_COUNT, T_FLAGS, T_FLAG_COUNT) = range(21, 31)
(T_CONDITIONS, T_CONDITION_COUNT, T_RESPONSES, T_RESPONSE_COUNT, T_COVARIATES, T_COVARIATE_COUNT, T_WHERE, T_WHERE_COUNT) = range(31, 39)
(T_JUMPS, T_JUMP_COUNT, T_LOSES, T_FLOATS, T_SIZE) = range(39, 44)
"""A list of terms is an offset into the whole numbers, where each term is (index, offset of its floats)."""
(TF_SHAPE, TF_SCALE, TF_LEVEL, TF_SLOPE, TF_SIZE) = range(5)

(L_NAME, L_TREATMENT, L_REASON, L_COVARIATE, L_FLOATS, L_SIZE) = range(6)

(A_NAME, A_RULE, A_SOURCES, A_ACTION, A_TREATMENT, A_REASON, A_FLAG, A_CHOOSE, A_TO, A_SWAPS, A_SWAP_COUNT) = range(11)
(A_CONFIRM, A_CONFIRM_RULE, A_MEASURES, A_MEASURE_COUNT, A_FINDINGS, A_FINDING_COUNT, A_STREAMS, A_FLOATS, A_SIZE) = range(11, 20)

(E_MARKER, E_KIND, E_NATIVE, E_CLOCK, E_CLOCK_TREATMENT, E_NEEDS, E_WITHOUT, E_FIRST, E_LINES, E_PHASES, E_PHASE_COUNT, E_WHERE, E_WHERE_COUNT, E_DOSE, E_TOUCHES, E_SIZE) = range(16)
"""An effect; ``touches`` has every treatment without which, now or before, it cannot be in force."""

(O_REGIMEN, O_RULE, O_SIZE) = range(3)
"""A candidate; a line is (offset of its candidates, how many)."""

(X_NAME, X_TERMS, X_TERM_COUNT, X_FLOATS, X_SIZE) = range(5)

(Q_TREATMENT, Q_STREAM, Q_SHIFTS, Q_SHIFT_COUNT, Q_FACTORS, Q_FACTOR_COUNT, Q_CURVE, Q_CURVE_COUNT, Q_SHARES, Q_SHARE_COUNT, Q_FLOATS, Q_SIZE) = range(12)
(QS_MARKER, QS_RELATIVE, QS_STREAM, QS_FLOATS, QS_SIZE) = range(5)
"""Floats of a share: weight, noise, direct."""

# --- a life: single whole numbers ---------------------------------------------------------------------------------------------
_place = count().__next__
S_PATIENT, S_SEED, S_SAMPLE, S_STATE, S_REGIMEN, S_EVER, S_FAILED, S_INTOLERANT, S_CONTRAINDICATED, S_COMPLETED = (_place() for _ in range(10))
S_HELD, S_REDUCED, S_FLAGS, S_CONDITION, S_LINE, S_HOLD_DECISION, S_HOLD_CONDITION, S_JUST_STOPPED, S_TOUCHED = (_place() for _ in range(9))
S_AWAITS, S_GRID, S_CONFIRM_DECISION, S_CONFIRM_INDEX, S_FIRE_TURN, S_FIRE, S_INTEGRALS, S_ROWS, S_KNOTS, S_SEEN = (_place() for _ in range(10))
S_ENTRY_CHOICE, S_ENTRY_REASON, S_CLAUSE, S_KEEPS, S_FAULT, S_FEMALE, S_ROW_ROOM, S_KNOT_ROOM = (_place() for _ in range(8))
S_CHANGED, S_ACTIVE, S_IN_FORCE, S_HAS_APPROVALS = (_place() for _ in range(4))
S_FIXED_TURN, S_FIXED, S_KNOWN, S_KNOWN_EVER, S_OPEN, S_OPEN_STATE, S_OPEN_REGIMEN = (_place() for _ in range(7))
S_REQUESTS, S_BRIDGED, S_ASKED = (_place() for _ in range(3))
S_KEEPS_PATH, S_TOLD, S_PLAIN = (_place() for _ in range(3))
"""``S_KEEPS``: bit set of the kinds of rows that are kept; ``S_TOLD`` counts all rows, ``S_ROWS`` those kept."""
S_REQUEST = _place()
"""The open start request begins here, the open renewal :data:`B_SIZE` later."""
(B_STAGE, B_NUMBER, B_REGIMEN, B_LINE, B_CANDIDATE, B_TRIGGER, B_REASON, B_TREATMENT, B_ASKED, B_DOCUMENTS, B_TRUTH, B_CLAUSE, B_DENIAL, B_RESUBMITTED, B_SIZE) = range(15)
"""A request; stage 0: none is open."""
for _ in range(2 * B_SIZE - 1):
    _place()
S_RENEWAL = S_REQUEST + B_SIZE
S_SIZE = _place()

SUBMISSION, DECISION, INFORMATION, PEER_TO_PEER, APPEAL, SUPPLY = range(1, 7)
"""What an open request awaits."""

# --- the handling of requests, at P_ACCESS ------------------------------------------------------------------------------------
(U_TREATMENTS, U_BRIDGE, U_MAY_WAIT, U_STREAM, U_DOCUMENT_STREAM, U_START_RULES, U_RENEWAL_RULES, U_DELAYS, U_SUPPLIES, U_DOCUMENTS, U_DOCUMENT_COUNT) = range(11)
(U_DENIALS, U_FLOATS, U_SIZE) = range(11, 14)
"""Rules and supplies: one a treatment; delays: one a stage from SUBMISSION to APPEAL, each (family, stream, floats)."""
(UF_COMPLETES, UF_MERITS, UF_DOCUMENTS, UF_ABANDONMENT, UF_LASTS, UF_RENEWAL_LASTS, UF_LEAD, UF_GRACE, UF_SIZE) = range(9)
(UD_RESUBMISSION, UD_PEER, UD_PEER_SUCCESS, UD_APPEAL, UD_APPEAL_SUCCESS, UD_SIZE) = range(6)

# --- a life: single floats ------------------------------------------------------------------------------------------------------
_place = count().__next__
Z_TIME, Z_START, Z_EDGE, Z_RECOVERY, Z_CONFIRM, Z_FIRE, Z_FIXED, Z_LINE_START, Z_AGE, Z_ONSET, Z_DUE, Z_RENEWAL_DUE = (_place() for _ in range(12))
Z_PLAIN_END, Z_FORCE_END, Z_VISIT = (_place() for _ in range(3))
"""When the first phase of a plain transition, or of an effect in force, ends; the next planned visit."""
Z_SIZE = _place()

# --- a life: arrays, at fixed places, so that compiled code finds them without a look-up ------------------------------------------
MOST = {
    "treatment": 62, "marker": 16, "finding": 46, "transition": 192, "effect": 768, "schedule": 32, "condition": 16, "index": 16, "covariate": 128,
    "decision": 256,
}  # fmt: skip
"""How many of each a program may have here; one with more is for the reference engine."""
RING = 32
RING_MASK = RING - 1
"""Room for :data:`KEPT` values, a power of two, and what takes a count to its place."""
LUCK_SHIFT = 3
LUCK = 1 << LUCK_SHIFT
"""Draws of a stream that are made at once; slots: the innovations of each marker, then each schedule's errors of each marker."""
SLOTS = MOST["marker"] * (1 + MOST["schedule"])
(RATE_DRIFT, RATE_DIFFERENCE, RATE_GAIN, RATE_NATIVE_DRIFT, RATE_NATIVE_DIFFERENCE, RATE_NATIVE_GAIN, RATE_RATIO, RATE_HAS_NATIVE_DRIFT, RATE_SIZE) = range(9)
"""What the effects in force do to a marker in a year: sums of those in shown and in native units, product of the ratios; and whether any drift is native."""


def _lay(begin: int, sizes: dict[str, int]) -> dict[str, int]:
    """Place arrays one after the other; ``end`` is what follows."""
    places: dict[str, int] = {}
    for name, size in sizes.items():
        places[name] = begin
        begin += size
    return {**places, "end": begin}


_whole = _lay(
    S_SIZE,
    {
        "course_count": MOST["treatment"], "course_line": MOST["treatment"], "draws": MOST["transition"], "was_active": MOST["transition"],
        "integral": MOST["transition"], "transition_on": MOST["transition"], "active": MOST["transition"], "plain": MOST["transition"],
        "known": MOST["effect"], "in_force": MOST["effect"], "force_kind": MOST["effect"], "force_native": MOST["effect"], "force_count": MOST["marker"],
        "finding_open": MOST["finding"], "finding_stream": MOST["finding"], "finding_index": MOST["finding"], "schedule_index": MOST["schedule"], "occurrence": MOST["schedule"], "measured": MOST["marker"],
        "condition_draws": MOST["condition"], "index_count": MOST["index"], "truth": DEEPEST_STACK, "clause": DEEPEST_STACK, "luck_block": SLOTS, "open": MOST["decision"],
    },
)  # fmt: skip
I_COURSE_COUNT, I_COURSE_LINE, I_DRAWS, I_WAS_ACTIVE = (_whole[name] for name in ("course_count", "course_line", "draws", "was_active"))
I_INTEGRAL, I_TRANSITION_ON, I_ACTIVE, I_KNOWN, I_IN_FORCE = (_whole[name] for name in ("integral", "transition_on", "active", "known", "in_force"))
I_PLAIN, I_FORCE_KIND, I_FORCE_NATIVE, I_FORCE_COUNT = (_whole[name] for name in ("plain", "force_kind", "force_native", "force_count"))
I_FINDING_OPEN, I_FINDING_STREAM, I_FINDING_INDEX = (_whole[name] for name in ("finding_open", "finding_stream", "finding_index"))
"""A finding is open until somebody asks for it: then it is drawn, with this stream and index."""
I_SCHEDULE_INDEX, I_OCCURRENCE, I_MEASURED = (_whole[name] for name in ("schedule_index", "occurrence", "measured"))
I_CONDITION_DRAWS, I_INDEX_COUNT, I_TRUTH, I_CLAUSE = (_whole[name] for name in ("condition_draws", "index_count", "truth", "clause"))
I_LUCK_BLOCK, I_OPEN = (_whole[name] for name in ("luck_block", "open"))
I_COUNTS = _whole["end"]
"""Rows so far of each kind and name; as long as the program's table of names times the kinds."""

_real = _lay(
    Z_SIZE,
    {
        "covariate": MOST["covariate"],
        **dict.fromkeys(("native", "shown", "native_slope", "shown_slope", "unit", "unit_end", "factor", "personal", "before", "after"), MOST["marker"]),
        **dict.fromkeys(("entry_shown", "line_baseline"), MOST["marker"]), "ring_time": MOST["marker"] * RING, "ring_value": MOST["marker"] * RING,
        "finding_time": MOST["finding"], "finding_value": MOST["finding"],
        **dict.fromkeys(("start", "stop", "expiry", "files_at", "improvement", "over_since"), MOST["treatment"]), "handed": 2 * MOST["treatment"],
        **dict.fromkeys(("budget", "constant", "level", "slope", "whole", "base", "exponent", "clock_start", "phase_end", "plain_level"), MOST["transition"]),
        **dict.fromkeys(("effect", "effect_amount", "effect_start", "effect_end"), MOST["effect"]),
        "origin": MOST["schedule"], "due": MOST["schedule"], "amount": MOST["treatment"] * MOST["marker"], "gained": MOST["treatment"] * MOST["marker"],
        "carried": MOST["treatment"] * MOST["marker"],
        "index_baseline": MOST["index"], "index_time": MOST["index"] * RING, "index_value": MOST["index"] * RING,
        "luck": SLOTS * LUCK, "luck_room": 2 * LUCK, "rates": MOST["marker"] * RATE_SIZE,
    },
)  # fmt: skip
F_COVARIATE, F_NATIVE, F_SHOWN, F_NATIVE_SLOPE, F_SHOWN_SLOPE = (_real[name] for name in ("covariate", "native", "shown", "native_slope", "shown_slope"))
F_UNIT, F_UNIT_END, F_FACTOR, F_PERSONAL, F_BEFORE, F_AFTER = (_real[name] for name in ("unit", "unit_end", "factor", "personal", "before", "after"))
F_ENTRY_SHOWN, F_LINE_BASELINE, F_RING_TIME, F_RING_VALUE = (_real[name] for name in ("entry_shown", "line_baseline", "ring_time", "ring_value"))
F_FINDING_TIME, F_FINDING_VALUE, F_START, F_STOP = (_real[name] for name in ("finding_time", "finding_value", "start", "stop"))
F_EXPIRY, F_FILES_AT, F_IMPROVEMENT, F_HANDED = (_real[name] for name in ("expiry", "files_at", "improvement", "handed"))
F_OVER_SINCE, F_CARRIED = (_real[name] for name in ("over_since", "carried"))
F_BUDGET, F_CONSTANT, F_LEVEL, F_SLOPE, F_WHOLE = (_real[name] for name in ("budget", "constant", "level", "slope", "whole"))
F_BASE, F_EXPONENT, F_CLOCK_START, F_PHASE_END, F_PLAIN_LEVEL = (_real[name] for name in ("base", "exponent", "clock_start", "phase_end", "plain_level"))
F_EFFECT, F_EFFECT_AMOUNT, F_EFFECT_START, F_EFFECT_END = (_real[name] for name in ("effect", "effect_amount", "effect_start", "effect_end"))
F_ORIGIN, F_DUE, F_AMOUNT, F_GAINED = (_real[name] for name in ("origin", "due", "amount", "gained"))
F_INDEX_BASELINE, F_INDEX_TIME, F_INDEX_VALUE = (_real[name] for name in ("index_baseline", "index_time", "index_value"))
F_LUCK, F_LUCK_ROOM, F_RATES = (_real[name] for name in ("luck", "luck_room", "rates"))
F_GRID = _real["end"]
"""Shown values at grid points; as long as there are of them times the markers."""

# --- rows of the log ----------------------------------------------------------------------------------------------------------------
(W_PATIENT, W_KIND, W_NAME, W_DETAIL, W_OCCURRENCE, W_STATE, W_REGIMEN, W_LINE, W_SIZE) = range(9)
(Y_TIME, Y_TRUE, Y_MEASURED, Y_NATIVE, Y_SIZE) = range(5)

FAULT_ROWS, FAULT_KNOTS, FAULT_ENDLESS, FAULT_MOVE = 1, 2, 3, 4
"""Why a life stopped: the buffers are full, the history does not end, a move is not legal."""
