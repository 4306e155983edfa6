"""Errors and refusals in the language of the reader.

They are raised and stored in English, with names and numbers in them. Here they are compared with
the templates of :mod:`glacial_lakes.language.messages_ru`. What no template fits stays English.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterator
from typing import Literal

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.language.messages_ru import CLAUSES, PHRASES

_Kind = Literal["clause", "phrase"]

_FIELDS = {
    "": "(.*?)",
    "phrase": "(.*?)",
    "names": r"([^\s,]+(?:, [^\s,]+)*)",
    "value": r"""('.*'|".*"|[\[{(].*|[-+]?\d\S*|None|True|False|datetime\..*)""",
}
"""What a placeholder of each kind may stand for."""


def translate_clause(text: str, language: str) -> str:
    """Return what is wrong, or what to do, in a language.

    Parameters
    ----------
    text : str
        A clause of a message, with its names and numbers; they are kept.
    language : str
        ``"en"`` or ``"ru"``.

    Returns
    -------
    str
        The Russian form, or the text itself when no template of
        :mod:`glacial_lakes.language.messages_ru` fits.
    """
    return _russian(text)[1] if language == "ru" else text


def translate_error(error: GlacialLakesError, language: str) -> str:
    """Return the one line of an error in a language; code, path and values are kept."""
    what, remedy = (translate_clause(text, language) for text in (error.what, error.remedy))
    return str(type(error)(error.path, what, remedy))


def translate_reason(line: str, language: str) -> str:
    """Return a stored line, ``CODE path: what; remedy``, in a language.

    Parameters
    ----------
    line : str
        Why a scene was refused; code, path and remedy may be absent.
    language : str
        ``"en"`` or ``"ru"``.

    Returns
    -------
    str
        The Russian form; clauses that no template fits stay English.
    """
    if language != "ru":
        return line
    code = line[: len("GL0000 ")] if re.match(r"GL\d{4} ", line) else ""
    best = (0, 0, line)
    for clauses, remedy in _cuts(line.removeprefix(code), "; "):
        for start, end in _cuts(clauses, ": "):
            path, what = (start + ": ", end) if end else ("", start)
            known, clause = _russian(what)
            known_remedy, todo = _russian(remedy)
            text = f"{code}{path}{clause}{'; ' if todo else ''}{todo}"
            best = max(best, (known + known_remedy, len(path), text), key=lambda one: one[:2])
    return best[2]


def _cuts(text: str, mark: str) -> Iterator[tuple[str, str]]:
    """Yield all ways to cut a text in two at a mark; first the text uncut."""
    yield text, ""
    for found in re.finditer(mark, text):
        yield text[: found.start()], text[found.end() :]


def _russian(text: str, kind: _Kind = "clause") -> tuple[int, str]:
    """Return how many letters of a template a text has, and its Russian form; else 0 and itself."""
    for letters, pattern, fields, russian in _templates(kind):
        if found := pattern.fullmatch(text):
            parts = zip(fields, found.groups(), strict=True)
            values = [_russian(part, "phrase")[1] if f == "phrase" else part for f, part in parts]
            return letters, russian.format(*values)
    return 0, text


@functools.cache
def _templates(kind: _Kind) -> list[tuple[int, re.Pattern[str], list[str], str]]:
    """Return the templates with most letters first, so that none takes what is another's."""
    compiled = []
    for english, russian in {"clause": CLAUSES, "phrase": PHRASES}[kind].items():
        parts = list(string.Formatter().parse(english))
        pattern = "".join(
            re.escape(text) + ("" if field is None else _FIELDS[field])
            for text, field, _, _ in parts
        )
        letters = sum(len(text) for text, *_ in parts)
        fields = [field for _, field, _, _ in parts if field is not None]
        compiled.append((letters, re.compile(pattern, re.DOTALL), fields, russian))
    return sorted(compiled, key=lambda template: -template[0])
