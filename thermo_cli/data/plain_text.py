"""Text as files hold it: in which encoding its bytes are, and what separates the cells of a line."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Final

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SAMPLE: Final = 50  # lines that tell the separator
CONSISTENT: Final = 0.9  # least share of lines with as many cells as the first
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_DIRECTIVE: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # for Excel


@dataclass(frozen=True)
class Decoded:
    """Bytes as text.

    Attributes:
        text: Without a byte order mark.
        encoding: `utf-8` where they are that.
        line: Of the first character that shows that they are not; 0 where nothing does.
        sign: The word around it.
    """

    text: str
    encoding: str = "utf-8"
    line: int = 0
    sign: str = ""


def decoded(data: bytes) -> Decoded:
    """Decode bytes: UTF-8 if they are that, else by their mark or pattern UTF-16 or UTF-32, else Windows-1252 or Latin-1.

    Args:
        data: Of a file of text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark) and _decodes(data, encoding):
            return Decoded(data.decode(encoding), encoding)
    if (encoding := _wide(data)) and _decodes(data, encoding):
        return Decoded(data.decode(encoding), encoding)
    try:
        return Decoded(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        encoding = "windows-1252" if _decodes(data, "windows-1252") else "latin-1"
        start = error.start
    before = re.search(rb"[^\s,;|]*$", data[max(start - 20, 0) : start])
    after = re.match(rb"[^\s,;|]*", data[start : start + 20])
    word = (before.group() if before else b"") + (after.group() if after else b"")
    return Decoded(data.decode(encoding), encoding, data.count(b"\n", 0, start) + 1, repr(word.decode(encoding)))


def separator_of(text: str) -> str:
    """Return what separates the cells of a table: a comma where commas give as many cells in each line, at least two.

    Args:
        text: Of a table.
    """
    if found := _DIRECTIVE.match(text):
        return found[1]
    lines = "".join(io.StringIO(text[: 2**16]).readlines()[: SAMPLE + 1])
    widths = {separator: _width(lines, separator) for separator in SEPARATORS}
    widest = max(widths, key=lambda separator: widths[separator])
    return "," if widths[","] > 1 or widths[widest] < 2 else widest


def without_directive(text: str) -> str:
    """Return a table without the line that tells Excel what separates its cells."""
    return _DIRECTIVE.sub("", text, count=1) if _DIRECTIVE.match(text) else text


def _width(lines: str, separator: str) -> int:
    """Return the cells of a line, if as good as all have as many; else 0."""
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(lines, newline=""), delimiter=separator) if row]
    except csv.Error:
        return 0
    same = sum(width == widths[0] for width in widths) if widths else 0
    return widths[0] if widths and same >= CONSISTENT * len(widths) else 0


def _wide(data: bytes) -> str:
    """Recognise UTF-16 without a mark by its zero bytes."""
    sample = data[:1000]
    if 3 * sample.count(0) < len(sample) or not sample:
        return ""
    return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
