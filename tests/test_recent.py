"""What was read of a program is kept for the next block, and for that program only."""

from __future__ import annotations

from dataclasses import replace

from pathway.recent import KEPT, Recent
from tests import tiny


def test_the_same_program_is_read_once():
    read = []
    recent = Recent(lambda program, *more: read.append((program, more)) or len(read))
    one = tiny.two_states(hazard=0.1)
    other = replace(one)
    assert (recent(one), recent(one), recent(other), recent(one, 3), recent(one)) == (1, 1, 2, 3, 1)


def test_few_are_kept():
    recent = Recent(lambda program: object())
    programs = [tiny.two_states(hazard=0.1) for _ in range(KEPT + 1)]
    first = recent(programs[0])
    kept = [recent(program) for program in programs[1:]]
    assert [recent(program) for program in programs[1:]] == kept
    assert recent(programs[0]) is not first
