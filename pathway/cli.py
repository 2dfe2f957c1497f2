"""The command line. Heavy imports wait until a command needs them, so that ``--help`` answers at once.

Exit codes: 0 done, 1 a check failed, 2 the input is at fault, 130 interrupted.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from pathway.cli_trials import calibrate, validate
from pathway.console import INPUT_AT_FAULT, MOST_PATIENTS, Calibration, Tell, guarded, progress_of, relative

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario
    from pathway.experiment import Results
    from pathway.program import Program
    from pathway.report.store import LogStore
    from pathway.workshop import Workshop

app = typer.Typer(
    name="pathway", add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Simulate treatment pathways: lines of therapy, their costs, QALYs and access. Decision support, not individual treatment advice.",
)  # fmt: skip

File = Annotated[Path, typer.Argument(metavar="FILE", help="scenario, a TOML file", show_default=False)]
Strategies = Annotated[
    str | None,
    typer.Option("--strategies", metavar="A,B", help="ids of strategies, separated by commas; absent: all"),
]
Shown = Annotated[
    str | None,
    typer.Option("--strategies", metavar="A,B", help="ids of strategies, separated by commas; absent: the comparator"),
]


SHOP_LOADS = ("pathway.alternatives", "pathway.engines.compiled", "pathway.report.figures.every")
"""What the processes need that run alternatives and draw figures."""


def main() -> None:
    """Run the command line."""
    app()


def names_in(text: str | None) -> list[str] | None:
    """Split ``A,B``."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def warn(scenario: Scenario) -> None:
    """Print what the reader noticed but did not refuse."""
    from pathway.errors import shown

    for warning in scenario.warnings:
        typer.echo(f"note: {shown(warning)}", err=True)


@app.command()
def run(  # noqa: PLR0913, PLR0917 - each is an option of the command
    file: File,
    patients: Annotated[Optional[int], typer.Option(min=1, max=MOST_PATIENTS, help="number of simulated patients")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option(min=0, help="seed of all draws")] = None,  # noqa: UP045
    engine: Annotated[Optional[str], typer.Option(help="name of the engine")] = None,  # noqa: UP045
    strategies: Strategies = None,
    calibration: Calibration = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="the run's folder is made inside it")] = Path("outputs"),
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="processes; absent: one a core. Results do not depend on it")
    ] = None,
    alternatives: Annotated[int, typer.Option(min=0, help="patients of each structural alternative; 0: none")] = 200,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the same run after an interruption")] = False,  # noqa: FBT002
    log: Annotated[Optional[bool], typer.Option("--log/--no-log", help="keep every event; without, memory stays small. Absent: up to 40,000 lives (patients times strategies)")] = None,  # noqa: UP045
) -> None:
    """Simulate, value, compare and report."""
    with guarded():
        import os

        from pathway.workshop import begin_loading

        count = workers or os.cpu_count() or 1
        if count > 1:
            begin_loading(SHOP_LOADS)  # beside what this process loads and reads

        from pathway.reading import read
        from pathway.report.store import check_output, store_of

        check_output(output)
        scenario = read(file, calibration=calibration)
        warn(scenario)
        since = time.perf_counter()
        store = store_of(scenario, output, patients=patients, seed=seed, engine=engine, reads=resume)
        with workshop(count) as shop, progress_of() as tell:
            from pathway.alternatives import begin, with_alternatives
            from pathway.engines import needs_compiling
            from pathway.experiment import cohort_size, payers_compared, with_undelayed
            from pathway.report.writer import write

            names = names_in(strategies)
            few = min(alternatives, cohort_size(scenario, patients))
            begin_them = partial(begin, scenario, shop, patients=few, seed=seed, engine=engine, strategies=names)
            # Beside the main run, unless all would compile the same engine at once.
            begun = begin_them() if few and not needs_compiling(engine or scenario.study.engine) else []
            results = simulated(scenario, patients=patients, seed=seed, engine=engine, strategies=names, workers=count, tell=tell, store=store, logs=log)
            if payers_compared(results) and results.has_logs:
                results = with_undelayed(results, workers=count, progress=tell)
            if few:
                results = with_alternatives(results, begun or begin_them(), patients=few, progress=tell)
            folder = write(results, output, command=["pathway", *sys.argv[1:]], tell=lambda what: tell(f"writing: {what}", 0, 0), shop=shop)
        store.clear()
        from pathway.report.terminal import summary_text

        typer.echo(summary_text(results))
        typer.echo(f"\n{time.perf_counter() - since:,.0f} seconds. Report: {relative(folder / 'report.html')}")


def workshop(workers: int) -> Workshop:
    """Make processes that run alternatives and draw figures."""
    from pathway.workshop import Workshop

    return Workshop(workers, SHOP_LOADS)


def simulated(
    scenario: Scenario,
    *,
    patients: int | None,
    seed: int | None,
    engine: str | None,
    strategies: list[str] | None,
    workers: int,
    tell: Tell,
    store: LogStore | None = None,
    logs: bool | None = None,
) -> Results:
    """Run the experiment, saying first what it will do and for how long."""
    from pathway.experiment import run as run_experiment

    def announce(what: str, seconds: float) -> None:
        from pathway.report.terminal import duration

        typer.echo(f"{what}: about {duration(seconds)}", err=True)

    return run_experiment(
        scenario,
        patients=patients,
        seed=seed,
        engine=engine,
        strategies=strategies,
        workers=workers,
        progress=tell,
        announce=announce,
        store=store,
        logs=logs,
    )


@app.command()
def check(file: File) -> None:
    """Read and check a scenario and its disease without running; every fault at once."""
    with guarded():
        from pathway.errors import PathwayError, ScenarioError, shown
        from pathway.reading import inspect

        scenario, faults, warnings = inspect(file)
        for warning in warnings:
            typer.echo(f"note: {shown(warning)}", err=True)
        if scenario is None:
            error: PathwayError = ScenarioError(faults=faults)
            typer.echo(str(error), err=True)
            typer.echo(f"\n{len(faults)} fault{'s' if len(faults) > 1 else ''}", err=True)
            raise typer.Exit(INPUT_AT_FAULT)
        from pathway.compiling.coverage import unseen_facts
        from pathway.experiment import prepare

        prepare(scenario, scenario.base_values(), list(scenario.strategies), engine=scenario.study.engine)
        blind = {f"{one.rule}, {one.words}: {one.why}": None for name in scenario.strategies for one in unseen_facts(scenario, name)}
        for line in blind:
            typer.echo(f"note: the simulation cannot see all of rule {shown(line)}", err=True)
        typer.echo(
            f"{shown(scenario.study.label)}: {len(scenario.strategies)} strategies, {len(scenario.used_parameters())} numbers, no fault"
        )


def compiled(scenario: Scenario, strategy: str) -> Program:
    """Compile one strategy with the base values."""
    from pathway.compiler import compile_program

    return compile_program(scenario, strategy, scenario.base_values())


def chosen(scenario: Scenario, text: str | None) -> list[str]:
    """Strategies named by the user, checked; the comparator first when none is named."""
    from pathway.errors import ScenarioError, did_you_mean

    known = list(scenario.strategies)
    names = names_in(text) or [scenario.study.comparator]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ScenarioError(
            where="--strategies",
            found=", ".join(unknown),
            expected=", ".join(known),
            mend=did_you_mean(unknown[0], known),
        )
    return names


@app.command()
def draw(
    file: File,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="also write the picture as SVG and PNG there")
    ] = None,
    strategies: Shown = None,
) -> None:
    """Show the state machine of the pathway."""
    with guarded():
        from pathway.drawing import as_figure, as_text
        from pathway.errors import PathwayError
        from pathway.reading import read

        scenario = read(file)
        for name in chosen(scenario, strategies):
            program = compiled(scenario, name)
            typer.echo(as_text(program, scenario))
            if output is None:
                continue
            from pathway.report.figures import as_png, as_svg
            from pathway.report.writer import safe_name

            figure = as_figure(program, scenario)
            stem = output / f"{safe_name(scenario.study.id)}-{safe_name(name)}-states"
            try:
                output.mkdir(parents=True, exist_ok=True)
                stem.with_suffix(".svg").write_text(as_svg(figure), encoding="utf-8")
                stem.with_suffix(".png").write_bytes(as_png(figure))
            except OSError as error:
                raise PathwayError(
                    where=f"--output {output.name}",
                    found=error.strerror or "cannot be written",
                    mend="give another --output",
                ) from None
            typer.echo(f"\nPicture: {relative(stem.with_suffix('.svg'))} and .png")


@app.command()
def trace(
    file: File,
    patient: Annotated[int, typer.Option(min=0, max=MOST_PATIENTS - 1, help="number of the patient, from 0")] = 0,
    strategies: Shown = None,
    seed: Annotated[Optional[int], typer.Option(min=0, help="seed of all draws")] = None,  # noqa: UP045
    engine: Annotated[str, typer.Option(help="name of the engine")] = "reference",
    every: Annotated[bool, typer.Option("--all", help="every visit and all it saw")] = False,  # noqa: FBT002
) -> None:
    """Tell one patient's story; under two strategies, name where they first diverge."""
    with guarded():
        from pathway.cohort import draw_cohort
        from pathway.engines import simulate
        from pathway.reading import read
        from pathway.story import Words, compare, introduce, rows_of, tell

        scenario = read(file)
        values = scenario.base_values()
        key = scenario.study.seed if seed is None else seed
        cohort = draw_cohort(scenario, values, size=1, first=patient, seed=key)
        frames, words = [], []
        names = chosen(scenario, strategies)
        for name in names:
            program = compiled(scenario, name)
            frames.append(rows_of(simulate(program, cohort, key, engine=engine), patient))
            words.append(Words(scenario, program))
        typer.echo(f"Patient {patient}: {introduce(cohort, patient, scenario)}")
        for name, frame, word in zip(names, frames, words, strict=True):
            typer.echo(f"\nUnder {name}, {scenario.strategies[name].label} (years since entry)")
            for told in tell(frame, word, is_whole=every):
                typer.echo(str(told))
        for k in range(1, len(names)):
            typer.echo("\n" + compare(frames[0], frames[k], (names[0], names[k]), (words[0], words[k])))


@app.command()
def review(
    file: Annotated[Path, typer.Argument(metavar="REQUEST", help="a patient's record and a request, TOML or JSON")],
    profile: Annotated[Optional[list[str]], typer.Option(help="payer's rule, such as P-CVS-SSC; the first decides, the rest are shown for contrast")] = None,  # noqa: UP045
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,  # noqa: FBT002
    html: Annotated[Optional[Path], typer.Option(metavar="FILE", help="one self-contained page for the file")] = None,  # noqa: UP045
) -> None:
    """Decide a request for coverage, with reasons."""
    with guarded():
        from pathway.errors import PathwayError
        from pathway.report import review as telling
        from pathway.reviewing import review_document

        document, made = review_document(file, profiles=tuple(profile or ()))
        told = telling.told(document, made)
        if html is not None:
            try:
                html.write_text(telling.as_html(told), encoding="utf-8")
            except OSError as error:
                raise PathwayError(
                    where=f"--html {html}",
                    found=error.strerror or "cannot be written",
                    expected="a file in a folder that exists",
                    mend="make the folder first, or name another file",
                ) from None
        typer.echo(telling.as_json(told) if as_json else telling.as_text(told))


app.command()(validate)
app.command()(calibrate)


@app.command()
def sources(
    file: File,
    calibration: Calibration = None,
    csv: Annotated[bool, typer.Option("--csv", help="as CSV")] = False,  # noqa: FBT002
) -> None:
    """List every number used: value, unit, spread, source, grade."""
    with guarded():
        from pathway.reading import read
        from pathway.report.basis import calibration_words, evidence_frame, price_frame
        from pathway.report.formats import GRADE_MARKS, harmless_frame, significant, visible

        scenario = read(file, calibration=calibration)
        evidence, prices = evidence_frame(scenario), price_frame(scenario)
        if csv:
            import csv as csv_format

            both = evidence.assign(kind="number")
            money = prices.rename(columns={"item": "id"}).assign(kind="price")
            import pandas as pd

            whole = pd.concat([both, money], ignore_index=True)
            typer.echo(
                harmless_frame(whole).to_csv(
                    index=False, quoting=csv_format.QUOTE_NONNUMERIC, na_rep="n/a", lineterminator="\n"
                ),
                nl=False,
            )
            return
        rows = [["number", "value", "spread", "grade", "source"]]
        for row in evidence.to_dict("records"):
            has_spread = row["low"] is not None and row["low"] == row["low"] and row["high"] == row["high"]
            error = row["standard_error"]
            spread = f"SE {significant(float(error))}" if error is not None and error == error else ""
            spread = f"{significant(float(row['low']))} to {significant(float(row['high']))}" if has_spread else spread
            rows.append(
                [
                    visible(str(row["id"])),
                    f"{significant(float(row['value']))} {row['unit']}",
                    spread,
                    GRADE_MARKS.get(row["grade"], "") or "verified",
                    visible(str(row["source"])),
                ]
            )
        from pathway.report.terminal import aligned

        typer.echo(aligned(rows))
        rows = [["price", "value", "basis", "grade", "source"]]
        for row in prices.to_dict("records"):
            value = f"{row['currency']} {significant(float(row['value']))} per {row['unit']} ({row['price_year']})"
            rows.append(
                [
                    visible(str(row["item"])),
                    value,
                    str(row["basis"]),
                    GRADE_MARKS.get(row["grade"], "") or "verified",
                    visible(str(row["source"])),
                ]
            )
        typer.echo("\n" + aligned(rows))
        weak = int(evidence["grade"].isin(["memory", "assumption"]).sum()) + int(
            prices["grade"].isin(["memory", "assumption"]).sum()
        )
        typer.echo(f"\n{len(evidence)} numbers and {len(prices)} prices; {weak} of them from memory or assumed")
        if force := calibration_words(scenario):
            typer.echo(f"In force: {visible(force)}")
