"""The catalogues of texts, one a language: ``ru.po`` beside this file is the Russian one.

They are gettext's ``.po`` files, which translators and their programs (Poedit, Weblate) know.
Nothing has to be compiled: a file is read when its language is first asked for, in some
milliseconds. Plural rules and contexts are those of :mod:`gettext`.
"""

from __future__ import annotations

import functools
import gettext
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
_FIRST = ("msgctxt", "msgid")


def languages() -> tuple[str, ...]:
    """Return the codes of the languages there are: English, and one for each catalogue."""
    return ("en", *sorted(file.stem for file in FOLDER.glob("*.po")))


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return the texts of a language; of one without a catalogue, those of the source."""
    if language not in languages()[1:]:
        return gettext.NullTranslations()
    texts = dict(read_po((FOLDER / f"{language}.po").read_text(encoding="utf-8")))
    return gettext.GNUTranslations(io.BytesIO(_compiled(texts)))


def read_po(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield the entries of a catalogue as gettext keeps them.

    Parameters
    ----------
    text : str
        Content of a ``.po`` file in UTF-8. Entries without a translation and ``fuzzy`` ones are
        left out, as ``msgfmt`` does.

    Yields
    ------
    tuple of str
        Source (``context\4msgid``, and ``msgid\0msgid_plural``) and translation (plural forms
        with ``\0`` between them).

    Raises
    ------
    ValueError
        For a line that is none of a catalogue.
    """
    entry: dict[str, str] = {}
    is_fuzzy, keyword = False, ""
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        word, _, rest = line.strip().partition(" ")
        is_next = not word or word.startswith("#") or (word in _FIRST and "msgstr" in keyword)
        if is_next and entry:
            if not is_fuzzy:
                yield from _entry(entry)
            entry, is_fuzzy, keyword = {}, False, ""
        is_fuzzy |= word == "#," and "fuzzy" in rest
        if not word or word.startswith("#"):
            continue
        if not word.startswith('"'):
            keyword, quoted = word, rest
            entry[keyword] = ""
        else:
            quoted = line.strip()
        try:
            entry[keyword] += json.loads(quoted)  # the escapes of a .po file are those of JSON
        except (KeyError, ValueError) as error:
            raise ValueError(f"line {number} is none of a catalogue: {line}") from error


def _entry(entry: dict[str, str]) -> Iterator[tuple[str, str]]:
    source = entry["msgid"]
    if "msgctxt" in entry:
        source = f"{entry['msgctxt']}\4{source}"
    if "msgid_plural" in entry:
        source = f"{source}\0{entry['msgid_plural']}"
    forms = [text for keyword, text in entry.items() if keyword.startswith("msgstr")]
    if all(forms):
        yield source, "\0".join(forms)


def _compiled(texts: dict[str, str]) -> bytes:
    """Return the ``.mo`` form of a catalogue, which :mod:`gettext` reads."""
    pairs = sorted((source.encode(), text.encode()) for source, text in texts.items())
    header, count = 28, len(pairs)
    tables: list[bytes] = []
    place = header + 16 * count
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<2I", len(pair[column]), place))
            place += len(pair[column]) + 1
    head = struct.pack("<7I", 0x950412DE, 0, count, header, header + 8 * count, 0, 0)
    texts_of = (pair[column] + b"\0" for column in (0, 1) for pair in pairs)
    return head + b"".join(tables) + b"".join(texts_of)
