"""Responses and indices, compiled: latent draws, what they mean for markers, and the effect rows that spend them.

This module must not know hazards, visits or rules beyond their numbers.
"""

from __future__ import annotations

from pathway.compiling.lookup import Lookup
from pathway.definition.response import Response, ResponseShape, Share
from pathway.draws import stream_id
from pathway.errors import did_you_mean
from pathway.program import INFINITY, Clock, ClockKind, EffectKind, EffectSpec, IndexSpec, Phases, ResponseShare, ResponseSpec, Transform

TRANSFORMS = {
    "identity": Transform.IDENTITY,
    "sqrt": Transform.SQRT,
    "log": Transform.LOG,
    "log1p": Transform.LOG1P,
    "expm1": Transform.EXPM1,
}


def indices(lookup: Lookup) -> tuple[IndexSpec, ...]:
    """All indices, in definition order."""
    return tuple(
        IndexSpec(
            name=name,
            terms=tuple(
                (
                    lookup.index("marker", term.marker, f"pathway.toml, key indices.{name}.terms"),
                    lookup.value(term.weight, f"pathway.toml, key indices.{name}.terms"),
                    int(TRANSFORMS[term.transform]),
                )
                for term in one.terms
            ),
            constant=lookup.optional(one.constant, f"pathway.toml, key indices.{name}.constant"),
        )
        for name, one in lookup.scenario.library.pathway.indices.items()
    )


def stream_of(treatment: str, response: Response) -> str:
    """Name of the stream a response is drawn from."""
    return f"response:{response.draws_as or treatment}"


def noise_stream(treatment: str, response: Response, share: Share) -> str:
    """Name of the stream of a marker's own part of a response, or of the part that several markers have in common."""
    return f"{stream_of(treatment, response)}:{share.noise_as or share.marker}"


def responses(lookup: Lookup) -> tuple[tuple[ResponseSpec, ...], tuple[EffectSpec, ...]]:
    """Responses in file order, and the effect rows that build them up and give them back."""
    pathway = lookup.scenario.library.pathway
    specs: list[ResponseSpec] = []
    rows: list[EffectSpec] = []
    for name, declared in pathway.response_shapes.items():
        _check_shared_noise(lookup, name, declared)
    for treatment, response in pathway.responses.items():
        where = f"pathway.toml, key responses.{treatment}"
        shape = pathway.response_shapes.get(response.shape)
        if shape is None:
            known = list(pathway.response_shapes)
            lookup.fault(f"{where}.shape", f"shape '{response.shape}'", ", ".join(known) or "a table in response_shapes", did_you_mean(response.shape, known))
            continue
        number = lookup.index("treatment", treatment, where)
        specs.append(_response(lookup, number, treatment, response, shape))
        rows += _rows(lookup, number, treatment, shape, f"pathway.toml, key response_shapes.{response.shape}")
    return tuple(specs), tuple(rows)


def _check_shared_noise(lookup: Lookup, name: str, shape: ResponseShape) -> None:
    """A draw that markers share needs a spread of each, and two markers at least: a name that stands alone is a slip of the pen."""
    sharing = [share.noise_as for share in shape.shares if share.noise_as is not None]
    own = {share.marker for share in shape.shares if share.noise_as is None}
    for share in shape.shares:
        if share.noise_as is None:
            continue
        where = f"pathway.toml, key response_shapes.{name}.shares, marker {share.marker}, noise_as"
        if share.noise_sd is None:
            lookup.fault(where, f"'{share.noise_as}' without noise_sd", "the spread of what is shared")
        if share.noise_as in own or sharing.count(share.noise_as) < 2:
            lookup.fault(where, f"'{share.noise_as}', which no other marker of the shape gives", "a name that two markers give, and that is no marker with a draw of its own")


def _response(lookup: Lookup, number: int, treatment: str, response: Response, shape: ResponseShape) -> ResponseSpec:
    where = f"pathway.toml, key responses.{treatment}"
    curve = tuple((lookup.value(at, where), lookup.value(value, where)) for at, value in shape.curve)
    if any(later[0] <= earlier[0] for earlier, later in zip(curve, curve[1:], strict=False)):
        lookup.fault(f"pathway.toml, key response_shapes.{response.shape}.curve", "latent values that do not rise", "rising latent values")
    factors = tuple((lookup.index("rule", one.when, f"{where}.factors"), lookup.probability(one.by, f"{where}.factors")) for one in response.factors)
    return ResponseSpec(
        treatment=number,
        stream=stream_id(stream_of(treatment, response)),
        level=lookup.value(response.level, f"{where}.level"),
        sd=lookup.above_zero(response.sd, f"{where}.sd"),
        curve=curve,
        shares=tuple(
            ResponseShare(
                marker=lookup.index("marker", share.marker, where),
                weight=lookup.value(share.weight, where),
                direct=lookup.optional(share.direct, where),
                is_relative=share.relative,
                noise_sd=lookup.at_least_zero(share.noise_sd, where),
                stream=stream_id(noise_stream(treatment, response, share)),
            )
            for share in shape.shares
        ),
        shifts=tuple((lookup.index("rule", one.when, f"{where}.shifts"), lookup.value(one.by, f"{where}.shifts")) for one in response.shifts),
        factors=factors,
    )


def _rows(lookup: Lookup, number: int, treatment: str, shape: ResponseShape, where: str) -> list[EffectSpec]:
    times = [lookup.value(name, f"{where}.times") for name in shape.times]
    shares = [lookup.value(name, f"{where}.reached") for name in shape.reached]
    if len(times) != len(shares):
        lookup.fault(where, f"{len(times)} times and {len(shares)} in reached", "one of each")
        return []
    if any(later <= earlier for earlier, later in zip([0.0, *times], times, strict=False)):
        lookup.fault(f"{where}.times", ", ".join(f"{time:g}" for time in times), "rising years above zero")
        return []
    rates = [
        (share - before) / (time - start)
        for share, before, time, start in zip(shares, [0.0, *shares[:-1]], times, [0.0, *times[:-1]], strict=True)
    ]
    builds = Phases(values=(*rates, 0.0), edges=(*times, INFINITY))
    found: list[EffectSpec] = []
    for share in shape.shares:
        marker = lookup.index("marker", share.marker, f"{where}.shares")
        found.append(
            EffectSpec(
                name=f"{treatment}_response_{share.marker}", marker=marker, kind=EffectKind.RESPONSE, per_year=builds, needs=1 << max(number, 0),
                clock=Clock(kind=ClockKind.COURSE, treatment=number), first_treatment=number,
            )  # fmt: skip
        )
        if share.gives_back is not None:
            found.append(
                EffectSpec(
                    name=f"{treatment}_rebound_{share.marker}", marker=marker, kind=EffectKind.REBOUND, per_year=_rebound(lookup, share, where),
                    needs=1 << max(number, 0), clock=Clock(kind=ClockKind.COURSE_END, treatment=number), first_treatment=number,
                )  # fmt: skip
            )
    return found


def _rebound(lookup: Lookup, share: Share, where: str) -> Phases:
    if share.gives_back_over is None:
        lookup.fault(f"{where}.shares, {share.marker}", "gives_back without gives_back_over", "both")
        return Phases(values=(0.0,))
    back = lookup.optional(share.gives_back, f"{where}.shares")
    years = lookup.above_zero(share.gives_back_over, f"{where}.shares")
    return Phases(values=(back / years, 0.0), edges=(years, INFINITY))
