"""The door: bytes of a file become text, or a fault.

Size, encoding and control characters are looked at here, before any parser sees the text. This module must not
know a document's shape.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from pathway.errors import FaultList

LARGEST_FILE = 5_000_000
"""Bytes; a larger file is refused."""
LONGEST_TEXT = 10_000
"""Characters of one text in a document."""
DEEPEST = 50
"""Tables within tables."""
MOST_VALUES = 20_000
"""Tables, lists, texts and numbers of one document; the largest that ships has some 2,000."""


@dataclass(slots=True)
class Findings:
    """What reading finds out besides the documents: faults, warnings, and which files were read."""

    faults: FaultList = field(default_factory=FaultList)
    warnings: list[str] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)

    def warn(self, where: str, sentence: str) -> None:
        """Note something odd that is not refused."""
        self.warnings.append(f"{where}: {sentence}")


def read_text(path: Path, name: str, findings: Findings) -> str | None:
    """Text of a file, or None after noting why not.

    Parameters
    ----------
    path
        The file.
    name
        What the file is called in messages.
    findings
        Takes faults, and the file's SHA-256.
    """
    data = _bytes(path, name, findings)
    if data is None:
        return None
    findings.files.append((name, hashlib.sha256(data).hexdigest()))
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        findings.faults.add(
            where=name,
            found="UTF-16 text or binary data",
            expected="text in UTF-8",
            mend="save the file again as UTF-8 (in Excel: CSV UTF-8)",
        )
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        findings.faults.add(
            where=f"{name}, line {line}",
            found=f"byte 0x{data[error.start]:02x}, which is not UTF-8",
            expected="text in UTF-8",
            mend="save the file again as UTF-8",
        )
        return None
    if not text.strip():
        findings.faults.add(
            where=name,
            found="an empty file",
            expected="a document",
            mend="copy a scenario or a library file as a template",
        )
        return None
    return text


def _bytes(path: Path, name: str, findings: Findings) -> bytes | None:
    """Bytes of a regular file of bearable size."""
    try:
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no such file" if not path.exists() else "not a regular file"
            findings.faults.add(where=name, found=kind, expected="a file", mend=f"check the path {path}")
            return None
        if path.stat().st_size > LARGEST_FILE:
            findings.faults.add(
                where=name,
                found=f"{path.stat().st_size / 1e6:.1f} MB",
                expected=f"at most {LARGEST_FILE / 1e6:.0f} MB",
                mend="a document holds definitions, not data: check that it is the right file",
            )
            return None
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        findings.faults.add(
            where=name, found=f"it cannot be read: {reason}", expected="a readable file", mend=f"check {path}"
        )
        return None


def forbidden_character(text: str, *, lines: bool = True) -> str:
    r"""First control character of a text, as it may be printed; empty if there is none.

    Parameters
    ----------
    text
        Any text of a document.
    lines
        Whether line breaks and tabs are fine.

    Examples
    --------
    >>> forbidden_character("MMF\x1b[2J")
    '\\x1b'
    """
    for character in text:
        if unicodedata.category(character) == "Cc" and not (lines and character in "\n\r\t"):
            return character.encode("unicode_escape").decode()
    return ""
