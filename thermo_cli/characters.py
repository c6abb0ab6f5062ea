"""Text that any file can hold: what has no shape on paper is written as an escape that a reader can see."""

import unicodedata

KEPT = "\t\n"


def visible(text: str) -> str:
    r"""Write control characters, lone surrogates and the two last of plane 0 as `\x1b` and `\ud800`; keep tab and line feed.

    What is left is legal in XML 1.0 and can be encoded.

    Args:
        text: Anything a user can name.
    """
    if text.isprintable():
        return text
    return "".join(character if _legal(character) else _escape(ord(character)) for character in text)


def _legal(character: str) -> bool:
    return character in KEPT or (
        unicodedata.category(character) not in ("Cc", "Cs") and character not in "\ufffe\uffff"
    )


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
