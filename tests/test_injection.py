"""Text of documents is only text, wherever it is shown: no element in a page, no formula in a workbook, no escape on a terminal."""

from __future__ import annotations

import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.dom import minidom

import pytest
from typer.testing import CliRunner

from pathway.cli import app

FIXTURES = Path(__file__).parent / "fixtures"
PAGE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
CELL = '=HYPERLINK("http://x")'
LABELS = {
    "tiny.toml": ["Two made-up drugs for a made-up disease"],
    "tiny/strategies.toml": ["alpha, then beta"],
    "tiny/pathway.toml": ["a made-up disease", "first line", "death from the disease", "slowly", '"score"\nunit'],
    "tiny/economics.toml": ['label = "visits"'],
    "tiny/cohorts.toml": ["made-up patients"],
}
CELLS = {
    "tiny/prices.csv": "alpha pill",
    "tiny/treatments.csv": "alpha,alpha,",
    "tiny/sources.csv": "made up for tests",
    "tiny/evidence/course.csv": "deaths from the disease,",
}


class Elements(HTMLParser):
    """Elements and attributes that a document must not be able to bring."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note scripts, pictures from elsewhere, and handlers."""
        if tag in ("script", "img", "iframe", "object", "embed", "form"):
            self.forbidden.append(tag)
        self.forbidden += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]


def poisoned(folder: Path) -> Path:
    """The tiny study with every kind of label turned into a payload."""
    shutil.copytree(FIXTURES, folder / "study")

    def edit(file: str, old: str, new: str) -> None:
        path = folder / "study" / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new, 1))

    for file, labels in LABELS.items():
        for label in labels:
            if label.startswith('"'):
                edit(file, label, f"'{PAGE}'\nunit")
            elif label.startswith("label"):
                edit(file, label, f"label = '{PAGE}'")
            else:
                edit(file, f'"{label}"', f"'{PAGE}'")
    for file, cell in CELLS.items():
        quoted = '"' + PAGE.replace('"', '""') + '"'
        edit(file, cell, f"alpha,{quoted}," if cell == "alpha,alpha," else cell.replace(cell.rstrip(","), quoted))
    edit("tiny/strategies.toml", '"beta, then alpha and beta"', f"'{CELL}'")
    edit("tiny/prices.csv", "beta pill", "\"=cmd|'/c calc'!A0\"")
    edit("tiny/pathway.toml", '"how fast the score falls untreated"', '"@SUM(A1)"')
    edit("tiny.toml", 'perspective = "payer"', f"perspective = '{PAGE}'")
    edit("tiny.toml", 'disease = "tiny"', "disease = \"tiny\"\nquestion = '" + PAGE + "'")
    edit("tiny.toml", 'source = "made up for tests"', f"source = '{CELL}'")
    return folder / "study/tiny.toml"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of a run of the poisoned study, and what it said."""
    folder = tmp_path_factory.mktemp("poison")
    options = {"--patients": "6", "--alternatives": "3", "--workers": "1", "--output": str(folder / "outputs")}
    done = CliRunner().invoke(app, ["run", str(poisoned(folder)), *(word for pair in options.items() for word in pair)])
    assert done.exit_code == 0, done.output
    (report,) = (folder / "outputs").glob("*/*/report.html")
    return report.parent, done.output


def test_the_page_shows_markup_as_text(outputs: tuple[Path, str]) -> None:
    page = (outputs[0] / "report.html").read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(page)
    assert elements.forbidden == []
    assert "&lt;script&gt;" in page, "the payload is shown, literally"


def test_figures_are_sound_pictures_of_text(outputs: tuple[Path, str]) -> None:
    pictures = list(outputs[0].rglob("*.svg"))
    assert pictures
    for picture in pictures:
        names = {element.tagName for element in minidom.parse(str(picture)).getElementsByTagName("*")}
        assert not names & {"script", "img", "foreignObject"}, picture.name


def test_the_workbook_holds_no_formula_and_no_link_of_a_document(outputs: tuple[Path, str]) -> None:
    with zipfile.ZipFile(outputs[0] / "results.xlsx") as book:
        parts = {name: book.read(name) for name in book.namelist()}
    assert not [name for name, part in parts.items() if re.search(rb"<f[ >]", part)]
    assert any(b"HYPERLINK" in part for part in parts.values()), "the payload is there, as text"


def test_cells_of_tables_are_inert(outputs: tuple[Path, str]) -> None:
    tables = [path.read_text(encoding="utf-8") for path in outputs[0].rglob("*.csv")]
    assert any("HYPERLINK" in text for text in tables)
    for text in tables:
        for cell in re.findall(r'(?:^|,)"?([=@+\t\r][^,\n]*|-[^\d,\n][^,\n]*)', text, flags=re.MULTILINE):
            assert re.match(r"[+-]?(\d|inf)", cell), cell
