"""Review a request: read it, decide it, tell it. The same from Python as ``pathway review``.

Examples
--------
>>> determination = review("scenarios/requests/c03c_naive_three_answers.toml")
>>> determination.overall
'deny on the merits'
"""

from __future__ import annotations

from pathlib import Path

from pathway.coverage.determination import Determination, determine
from pathway.definition.policies import Policies
from pathway.definition.request import RequestDocument
from pathway.reading.request import read_request


def review(path: str | Path, *, profiles: tuple[str, ...] = (), policies: Policies | None = None) -> Determination:
    """Decide the request of a file (TOML or JSON).

    Parameters
    ----------
    path
        The file; its form is :class:`pathway.definition.request.RequestDocument`.
    profiles
        Payer rules in place of the file's own: the first decides, the rest are shown for contrast.
    policies
        Rules in place of the library's.

    Raises
    ------
    ScenarioError
        With every fault of the file.
    """
    return review_document(path, profiles=profiles, policies=policies)[1]


def review_document(path: str | Path, *, profiles: tuple[str, ...] = (), policies: Policies | None = None) -> tuple[RequestDocument, Determination]:
    """As :func:`review`, with the document itself."""
    document, record = read_request(path, policies, profiles=profiles)
    return document, determine(record)
