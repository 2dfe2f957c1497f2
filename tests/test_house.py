"""Rules of the house, held by reading the sources: floors of imports, who touches the disk, who draws."""

from __future__ import annotations

import ast
import csv
import re
from functools import cache
from pathlib import Path

import pytest

import pathway

ROOT = Path(pathway.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]

FLOORS: dict[str, int] = {
    "errors": 1, "draws": 1, "kernels": 1, "jit": 1, "jit_inner": 1, "workshop": 1,
    "units": 2, "distributions": 2, "rules": 2, "eventlog": 2, "library": 2,
    "definition": 3, "program": 3, "coverage": 3,
    "reading": 4, "compiler": 4, "compiling": 4, "cohort": 4, "populating": 4, "economics": 4, "recent": 4,
    "engines": 5, "access": 5, "invariants": 5,
    "experiment": 6, "telling": 6, "accumulation": 6, "parameter_sets": 7,
    "alternatives": 7, "validation": 7,
    "report": 8, "drawing": 8, "story": 8, "reviewing": 8,
    "console": 9, "cli": 9, "cli_trials": 9, "__main__": 9, "__init__": 9,
}  # fmt: skip
"""First part of a module's name below ``pathway`` -> its floor. Imports go down."""

SIDEWAYS = {
    ("compiler", "compiling"), ("cohort", "populating"), ("reading", "populating"), ("kernels", "jit"), ("jit", "jit_inner"), ("draws", "kernels"), ("draws", "errors"),
    ("economics", "recent"), ("drawing", "report"), ("__main__", "cli"), ("coverage", "definition"), ("experiment", "telling"), ("experiment", "accumulation"), ("accumulation", "telling"),
}  # fmt: skip
"""Pairs that may see each other on one floor, besides files of one folder."""

ENGINES_MAY_IMPORT = {"program", "eventlog", "rules", "draws", "kernels", "jit", "errors", "engines", "recent"}
DISK = {"reading", "report", "cli", "jit"}

DISK_CALLS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "rmtree", "touch",
              "read_csv", "to_csv", "read_parquet", "to_parquet", "write_table", "read_table", "to_excel", "read_excel",
              "savefig", "savez", "savez_compressed", "loadtxt", "savetxt", "tofile", "fromfile"}  # fmt: skip

LONGEST_FILE = 450
TOO_LONG = {"engines/reference.py", "program.py", "report/tables.py"}
"""Files that are to be split; each leaves this set when it is, or the test fails."""


@cache
def tree(name: str) -> ast.Module:
    """Syntax tree of one file of the package."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def group(module: str) -> str:
    """``pathway.report.figures.bars`` or ``report/figures/bars.py`` -> ``report``."""
    return re.split(r"[./]", module.removeprefix("pathway.").removesuffix(".py"))[0]


def is_module(dotted: str) -> bool:
    """Is this dotted name a file or folder of the package?"""
    path = ROOT.parent.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports_of(syntax: ast.AST) -> list[str]:
    """Full names of all modules imported, wherever the import stands."""
    found: list[str] = []
    for node in ast.walk(syntax):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            below = [f"{module}.{alias.name}" for alias in node.names]
            own = module == "pathway" or module.startswith("pathway.")
            found += [name if module == "numpy" or (own and is_module(name)) else module for name in below]
    return found


def own_imports(syntax: ast.AST) -> list[str]:
    """Groups of this package that are imported; ``__init__`` for the package itself, but for its version's sake."""
    version = [node for node in ast.walk(syntax) if isinstance(node, ast.ImportFrom) and node.module == "pathway"
               and [alias.name for alias in node.names] == ["__version__"]]  # fmt: skip
    found = [name for name in imports_of(syntax) if name == "pathway" or name.startswith("pathway.")]
    for _ in version:
        found.remove("pathway")
    return ["__init__" if name == "pathway" else group(name) for name in found]


def climbing(name: str, syntax: ast.AST) -> list[str]:
    """Imports of a file that go up, or sideways where they may not."""
    here = group(name)
    faults = []
    for there in own_imports(syntax):
        if FLOORS[there] > FLOORS[here]:
            faults.append(f"{name} (floor {FLOORS[here]}) imports {there} (floor {FLOORS[there]})")
        elif FLOORS[there] == FLOORS[here] and there != here and (here, there) not in SIDEWAYS and FLOORS[here] < 9:
            faults.append(f"{name} imports {there} sideways on floor {FLOORS[here]}")
    return faults


def touching(syntax: ast.AST) -> list[str]:
    """Calls that read or write files."""
    calls = [node for node in ast.walk(syntax) if isinstance(node, ast.Call)]
    names = [
        (call.func.id if isinstance(call.func, ast.Name) else call.func.attr, call.lineno)
        for call in calls
        if isinstance(call.func, ast.Name | ast.Attribute)
    ]
    return [f"{called} in line {line}" for called, line in names if called in DISK_CALLS]


def drawing(syntax: ast.AST) -> list[str]:
    """Uses of any source of randomness but pathway.draws."""
    faults = [name for name in imports_of(syntax) if name in ("random", "secrets") or name.startswith("numpy.random")]
    for node in ast.walk(syntax):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            if text.startswith(("np.random.", "numpy.random.")) or node.attr in ("rvs", "default_rng", "urandom"):
                faults.append(text)
    return faults


def undescribed(name: str, syntax: ast.Module) -> list[str]:
    """Public modules, classes and functions without a docstring."""
    faults = [] if ast.get_docstring(syntax) else [name]

    def walk(node: ast.Module | ast.ClassDef, prefix: str) -> None:
        for child in node.body:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and child.name[0] != "_":
                if not ast.get_docstring(child):
                    faults.append(f"{prefix}{child.name}")
                if isinstance(child, ast.ClassDef):
                    walk(child, f"{prefix}{child.name}.")

    walk(syntax, f"{name}: ")
    return faults


# --- the rules ----------------------------------------------------------------------------------------------------


def test_every_file_has_a_floor():
    assert {group(name) for name in NAMES} - set(FLOORS) == set()


@pytest.mark.parametrize("name", NAMES)
def test_imports_go_down(name):
    assert climbing(name, tree(name)) == []


def test_no_import_is_relative():
    relative = [
        f"{name}:{node.lineno}"
        for name in NAMES
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize("name", [name for name in NAMES if group(name) == "engines"])
def test_engines_import_little(name):
    assert set(own_imports(tree(name))) - ENGINES_MAY_IMPORT == set()


def test_economics_never_imports_an_engine():
    for name in NAMES:
        if group(name) == "economics":
            assert not {"engines", "experiment"} & set(own_imports(tree(name))), name


@pytest.mark.parametrize("name", [name for name in NAMES if group(name) not in DISK])
def test_few_touch_the_disk(name):
    assert touching(tree(name)) == []


@pytest.mark.parametrize("name", [name for name in NAMES if group(name) != "draws"])
def test_there_is_one_source_of_randomness(name):
    assert drawing(tree(name)) == []


def library_words() -> set[str]:
    """Ids of treatments and names of diseases in the library, as whole words."""
    words: set[str] = set()
    for path in ROOT.glob("library/*/treatments.csv"):
        words |= set(path.parent.name.split("_"))
        with path.open(encoding="utf-8", newline="") as file:
            words |= {row["id"].lower() for row in csv.DictReader(file) if row.get("id")}
    return words


def test_the_library_has_words_to_look_for():
    assert {"mmf", "nintedanib", "ssc", "ild"} <= library_words()


@pytest.mark.parametrize("name", [name for name in NAMES if group(name) in ("engines", "program", "rules", "kernels")])
def test_engines_know_no_disease_and_no_drug(name):
    words = set(re.findall(r"[a-z0-9]+", (ROOT / name).read_text(encoding="utf-8").lower()))
    assert words & library_words() == set()


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_is_described(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not text.strip() or undescribed(name, tree(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_files_are_short(name):
    is_short = len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert is_short != (name in TOO_LONG)


# --- the rules can be broken --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("draws.py", "from pathway.units import convert"),
        ("economics/ledger.py", "from pathway.engines import ENGINES"),
        ("economics/ledger.py", "def f():\n    from pathway import experiment"),
        ("reading/text.py", "import pathway.compiler"),
        ("cohort.py", "from pathway.compiling.lookup import x"),
        ("engines/body.py", "import pathway"),
    ],
)
def test_an_import_that_climbs_is_seen(name, source):
    assert climbing(name, ast.parse(source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("cli.py", "import pathway\nfrom pathway.report import html"),
        ("compiler.py", "from pathway.compiling import body"),
        ("engines/body.py", "from pathway.engines.record import Record\nimport numpy"),
    ],
)
def test_an_import_that_goes_down_is_let_be(name, source):
    assert climbing(name, ast.parse(source)) == []


@pytest.mark.parametrize("source", ["open('x')", "path.read_text()", "frame.to_csv(p)", "p.open('w')", "io.open(p)"])
def test_a_file_touched_is_seen(source):
    assert touching(ast.parse(source))


@pytest.mark.parametrize(
    "source", ["import random", "from numpy import random", "from random import gauss", "import numpy.random",
               "np.random.default_rng()", "stats.norm.rvs()", "os.urandom(8)"],
)  # fmt: skip
def test_a_foreign_draw_is_seen(source):
    assert drawing(ast.parse(source))


def test_a_missing_docstring_is_seen():
    source = '"""M."""\nclass A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...'
    assert undescribed("m.py", ast.parse(source)) == ["m.py: A.b", "m.py: d"]
