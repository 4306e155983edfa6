"""What can go wrong, each kind with its code and one line that says what to do.

Codes: ``GL1xxx`` a scene or input file is refused, ``GL2xxx`` the project file, ``GL3xxx``
an output, ``GL4xxx`` refused for safety, ``GL5xxx`` a resource ran out. A new code is a class and a
row of :data:`EXPLAINED`.
"""

from __future__ import annotations

import numbers
import os
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that steer a terminal, end a line or turn its direction; bytes that are no text."""


def shown(text: str) -> str:
    r"""Return a text of unknown origin, such as the name of a file, as it can be shown and kept.

    Examples
    --------
    >>> shown("lakes\x1b[2J.shp")
    'lakes\\x1b[2J.shp'
    """
    return _UNSHOWN.sub(_escaped, text)


_STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def tame(text: str) -> str:
    r"""Return a text for a file of texts, in which nothing can steer a terminal; lines stay.

    Examples
    --------
    >>> tame("a lake\x1b[2J") == "a lake\ufffd[2J"
    True
    """
    return _STEERING.sub("\ufffd", text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def N_(text: str) -> str:  # noqa: N802 (the name that gettext's tools know)
    """Mark a text for the catalogues where it stands, and return it as it is."""
    return text


COUNT = "count"
"""The value of a message that decides on its plural."""
CONTEXT = "context"
"""The value of a message that tells what is one word in English and two in another language."""

REASONS = (
    # of the operating system
    N_("No space left on device"),
    N_("Permission denied"),
    N_("Read-only file system"),
    N_("No such file or directory"),
    N_("File exists"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("Input/output error"),
    N_("Disk quota exceeded"),
    N_("Too many open files"),
    # of SQLite
    N_("database is locked"),
    N_("database or disk is full"),
    N_("database disk image is malformed"),
    N_("attempt to write a readonly database"),
    N_("unable to open database file"),
    N_("disk I/O error"),
    N_("file is not a database"),
    # of GDAL
    N_("not recognized as being in a supported file format"),
)
"""What the system and libraries say most often of a file; all else that they say stays English."""


class Message(str):
    """A text for people: its English form, which keeps the template and the values it was made of.

    It is a string like any other, so that logs, JSON and other programs get the English form.
    :func:`glacial_lakes.language.in_language` fills the template of another language instead. A
    text that is put together from messages by ``+`` or an f-string is a plain string again; give
    the parts as values.

    Parameters
    ----------
    template : str
        English text with named placeholders as in :meth:`str.format`, of names only (no attributes
        or indices). Without values it is taken as it is, braces and all.
    plural : str, optional
        The text for other numbers than one, where it counts something: the value ``count``. Other
        languages have as many forms as their catalogue tells.
    **values : str, int, float, Message, exception or sequences of them
        ``context`` tells apart what is one word in English. A sequence is told with commas, an
        exception by its reason; what is none of these, as its text.

    Examples
    --------
    >>> Message("has no column {name}", name="area_m2")
    'has no column area_m2'
    >>> [Message("{count} lake", "{count} lakes", count=count) for count in (1, 2)]
    ['1 lake', '2 lakes']
    """

    __slots__ = ("plural", "template", "values")

    template: str
    plural: str
    values: dict[str, Any]

    def __new__(  # noqa: D102 (of the class)
        cls, template: str, plural: str = "", /, **values: object
    ) -> Message:
        if isinstance(template, Message):
            return template
        used = _placeholders(template) | _placeholders(plural) if values else set()
        used |= ({COUNT} if plural else set()) | {CONTEXT}
        kept = {name: _plain(value) for name, value in values.items() if name in used}
        form = plural if plural and kept.get(COUNT) != 1 else template
        self = super().__new__(cls, fill(form, kept))
        self.template, self.plural, self.values = str(template), str(plural), kept
        return self

    @classmethod
    def of_day(cls, when: date) -> Message:
        """Return a date as each language writes it; where people type it, it is a plain text.

        Examples
        --------
        >>> Message.of_day(date(2021, 8, 12))
        '2021-08-12'
        """
        return Message(
            "{year:04d}-{month:02d}-{day:02d}",
            context="format",
            year=when.year,
            month=when.month,
            day=when.day,
        )

    def __reduce__(self) -> tuple[Callable[..., Message], tuple[dict[str, Any], str, str]]:
        return _message, (self.values, self.template, self.plural)

    def as_json(self) -> dict[str, Any]:
        """Return template and values as JSON holds them; :meth:`from_json` reads them."""
        plural = {"plural": shown(self.plural)} if self.plural else {}
        return {"template": shown(self.template), **plural, "values": _as_json(self.values)}

    def with_texts(self, change: Callable[[str], str]) -> Message:
        """Return the message with every text among its values changed."""
        return _message(_changed(self.values, change), self.template, self.plural)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Message:
        """Return the message of :meth:`as_json`.

        Raises
        ------
        TypeError, KeyError
            For content of another form.
        """
        values = _from_json(dict(content["values"]))
        return _message(values, str(content["template"]), str(content.get("plural", "")))


def fill(template: str, values: Mapping[str, object]) -> str:
    """Return the template with its values, in one line; unfilled where they do not fit it.

    A text about a fault must not fail itself, nor do anything but to be read.
    """
    try:
        text = _FORMATTER.vformat(template, (), values) if values else template
    except (LookupError, ValueError, TypeError):
        text = template
    return shown(" ".join(text.split()))


class _Formatter(string.Formatter):
    """Fill names only: templates are also read from files of others."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, tuple):
            return ", ".join(self.format_field(item, format_spec) for item in value)
        if len(format_spec) > len("+,.12f"):
            raise ValueError(format_spec)
        return format(value, format_spec)


_FORMATTER = _Formatter()


def _placeholders(template: str) -> set[str]:
    try:
        return {name for _, name, _, _ in _FORMATTER.parse(template) if name}
    except ValueError:
        return set()


def _message(values: Mapping[str, Any], template: str, plural: str) -> Message:
    return Message(template, plural, **values)


def _plain(value: object) -> object:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return reason(value) if isinstance(value, BaseException) else str(value)


def reason(error: BaseException | str) -> Message:
    """Return why the system or a library refuses something, with those words that catalogues know.

    Parameters
    ----------
    error : exception or str
        What was raised, or what it says.

    Examples
    --------
    >>> reason(OSError(28, "No space left on device", "lakes.gpkg"))
    'No space left on device'
    """
    if isinstance(error, GlacialLakesError):
        return error.line
    text: str = getattr(error, "strerror", None) or str(error)
    for words in REASONS:
        before, found, after = text.partition(words)
        if found:  # names stand before and behind, in words that nobody translates
            values = {"before": before, "reason": Message(words), "after": after}
            return Message("{before}{reason}{after}", **values)
    return Message(text)


def remedy_for(error: BaseException, otherwise: str) -> str:
    """Return what helps against what the system says of a file: rights, where those lack.

    Parameters
    ----------
    error : exception
        What was raised.
    otherwise : str
        What helps against all else.
    """
    is_denied = isinstance(error, PermissionError)
    return N_("check who may read and write it") if is_denied else otherwise


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case Message():
            return value.with_texts(change)
        case str():
            return change(value)
        case dict():
            return {name: _changed(item, change) for name, item in value.items()}
        case tuple():
            return tuple(_changed(item, change) for item in value)
    return value


def _as_json(value: Any) -> Any:
    match value:
        case Message():
            return value.as_json()
        case dict():
            return {name: _as_json(item) for name, item in value.items()}
        case tuple():
            return [_as_json(item) for item in value]
        case str():
            return shown(value)
    return value


def _from_json(value: Any) -> Any:
    match value:
        case {"template": _, "values": _}:
            return Message.from_json(value)
        case dict():
            return {str(name): _from_json(item) for name, item in value.items()}
        case list():
            return tuple(_from_json(item) for item in value)
    return value


_PACKED = re.compile(r"^/vsi(?:zip|tar)/\{(.+?)\}/", re.DOTALL)
"""How GDAL is told of a file in an archive, which nobody else writes so."""


class GlacialLakesError(Exception):
    """A failure that a user can act on.

    Parameters
    ----------
    path : path-like or None
        The file or folder at fault, named first in the message.
    what : str
        What is wrong, as a clause without a full stop, with named placeholders for the values.
    remedy : str
        What to do about it, as a clause without a full stop, likewise.
    **values : str, int, float or Message
        What stands in the placeholders of both; see :class:`Message`.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> try:
    ...     gl.open_scene("missing.SAFE")
    ... except gl.GlacialLakesError as error:
    ...     print(error.code, error.remedy)
    GL1002 check the path
    >>> str(gl.GlacialLakesError("a.shp", "has no column {name}", "add it", name="area_m2"))
    'GL0000 a.shp: has no column area_m2; add it'
    """

    code = "GL0000"

    def __init__(
        self, path: Path | str | None, what: str, remedy: str = "", /, **values: object
    ) -> None:
        self.path = None if path is None else _PACKED.sub(r"\1/", str(path))
        self.what = Message(what, **values)
        self.remedy = Message(remedy, **values)
        # args rebuild the error in another process
        super().__init__(self.path, self.what, self.remedy)

    @property
    def line(self) -> Message:
        """The one line of the error: code, path, what is wrong, what to do."""
        template = "{code} {path}: {what}; {remedy}"
        if self.path is None:
            template = template.replace(" {path}:", "")
        if not self.remedy:
            template = template.replace("; {remedy}", "")
        return Message(template, code=self.code, path=self.path, what=self.what, remedy=self.remedy)

    def line_beside(self, path: Path | str) -> Message:
        """Return the line as it stands beside a path, which is not told again."""
        at_fault = None if self.path == str(path) else self.path
        return type(self)(at_fault, self.what, self.remedy).line

    def __str__(self) -> str:
        return str.__str__(self.line)


class InputError(GlacialLakesError):
    """An input cannot be used as it is."""

    code = "GL1000"


class UnknownProductError(InputError):
    """The file or folder is no product that can be read."""

    code = "GL1001"


class MissingFileError(InputError):
    """A file that the product needs is not there."""

    code = "GL1002"


class MetadataError(InputError):
    """Scale, offset, date, sun angles or grid are not told by the metadata."""

    code = "GL1003"


class DamagedFileError(InputError):
    """A file is cut short, or its checksum differs from the one in the manifest."""

    code = "GL1004"


class GridError(InputError):
    """A raster has no usable georeference, or two rasters do not meet."""

    code = "GL1005"


class NotCoveredError(GridError):
    """An elevation model shows nothing of a place."""


class VectorError(InputError):
    """A vector file has no geometry, no CRS, or not the columns that are needed."""

    code = "GL1006"


class ImplausibleError(InputError):
    """A scene or an elevation model is readable, but what it shows cannot be so."""

    code = "GL1007"


def require(value: object, kind: Any, argument: str, remedy: str, *, but: Any = ()) -> None:
    """Refuse an argument of another type, before something deep inside stumbles over it.

    Parameters
    ----------
    value : object
        What was given.
    kind : type or tuple of types
        What is meant.
    argument : str
        Its name in Python.
    remedy : str
        What to give instead, as a clause.
    but : type or tuple of types
        What is not meant although it is such, e.g. a text where a list of texts is.

    Raises
    ------
    InputError
        When it is none of these.

    Examples
    --------
    >>> require("scene.SAFE", dict, "scene", "open it with open_scene")
    Traceback (most recent call last):
    ...
    glacial_lakes.errors.InputError: GL1000 scene is given as str; open it with open_scene
    """
    if not isinstance(value, kind) or isinstance(value, but):
        what = N_("{argument} is given as {kind}")
        raise InputError(None, what, remedy, argument=argument, kind=type(value).__name__)


def require_path(value: object, argument: str = "path") -> None:
    """Refuse what is no path of a file, as :func:`require` does."""
    require(value, (str, os.PathLike), argument, N_("give the path of a file"))


def require_amount(value: object, argument: str) -> None:
    """Refuse what is no number of 0 or more, such as of square metres.

    Examples
    --------
    >>> require_amount(-5.0, "min_area_m2")
    Traceback (most recent call last):
    ...
    glacial_lakes.errors.InputError: GL1000 min_area_m2 is given as -5.0; give a number, 0 or more
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (is_number and value >= 0):  # type: ignore[operator]
        what = N_("{name} is given as {value}")
        raise InputError(
            None, what, "give a number, 0 or more", name=argument, value=repr(value)[:60]
        )


class ConfigError(GlacialLakesError):
    """The project file or an option is wrong."""

    code = "GL2000"


class OverlapError(ConfigError):
    """A result would come over an input or into one."""

    code = "GL2001"


class ForeignFileError(ConfigError):
    """Something that this program did not write stands where a result would go."""

    code = "GL2002"


class OutputError(GlacialLakesError):
    """A result could not be written whole; an older result is left as it was."""

    code = "GL3000"


class LockedError(OutputError):
    """Another run is writing the same output, or another program has it open."""

    code = "GL3001"


class UnsafeInputError(GlacialLakesError):
    """An input would reach outside its folder, or pretends to be another format."""

    code = "GL4000"


class ResourceError(GlacialLakesError):
    """Memory, disk or time allowed for the task ran out."""

    code = "GL5000"


class TimeLimitError(ResourceError):
    """A task took longer than it may."""

    code = "GL5001"


class ClusterError(ResourceError):
    """A cluster does not answer, or a worker of it is not set up as the run needs it."""

    code = "GL5002"


@dataclass(frozen=True, slots=True)
class Explained:
    """What a code means, for the page of errors; the Russian forms are in the catalogue."""

    title: str
    cause: str
    remedy: str


EXPLAINED: Mapping[str, Explained] = {
    "GL0000": Explained(
        N_("An error of the program itself"),
        N_("Nobody foresaw it. Whatever the input is, this code is a bug."),
        N_(
            "Run the command again with --debug, and report the lines it prints together with "
            "those of glacial-lakes doctor."
        ),
    ),
    "GL1000": Explained(
        N_("An input cannot be used as it is"),
        N_(
            "The file is readable, but what it says contradicts itself, the other inputs or the "
            "question asked, and no other code of this group fits."
        ),
        N_("Correct what the line names; nothing was taken from this input."),
    ),
    "GL1001": Explained(
        N_("No product that can be read"),
        N_(
            "The file or folder is of no known form, holds several products, or is of a sensor "
            "that lacks the bands that lakes are told by."
        ),
        N_(
            "Give the folder or the archive as it was downloaded, or a GeoTIFF with a sidecar "
            "that tells its bands."
        ),
    ),
    "GL1002": Explained(
        N_("A file is missing"),
        N_(
            "The path is wrong, or a product lacks a band, its quality layer or its metadata: "
            "most often a download that ended early."
        ),
        N_("Check the path; download the product whole."),
    ),
    "GL1003": Explained(
        N_("The metadata do not tell what must be known"),
        N_(
            "Scale, offset, date, sun angles or grid are missing, unreadable or impossible. They "
            "are never guessed."
        ),
        N_("Download the product again; in a sidecar of your own, add what the line names."),
    ),
    "GL1004": Explained(
        N_("A file is damaged"),
        N_(
            "It is cut short, does not decode, differs from its checksum, or its parts do not "
            "belong together."
        ),
        N_("Copy or download it again."),
    ),
    "GL1005": Explained(
        N_("The grid of a raster does not fit"),
        N_(
            "A raster has no CRS or is not north-up, two rasters do not meet, the images lie "
            "elsewhere than the metadata say, or the elevation model shows nothing of the place."
        ),
        N_(
            "Give the raster its CRS or warp it with GDAL; take all bands from one product, and an "
            "elevation model that covers the place."
        ),
    ),
    "GL1006": Explained(
        N_("A vector file lacks what is needed"),
        N_("It has no geometry, no CRS, no such layer, or not the columns that are needed."),
        N_("Add what the line names, or name the layer, the fields or the encoding."),
    ),
    "GL1007": Explained(
        N_("What an input shows cannot be so"),
        N_(
            "The reflectance of a scene or the heights of an elevation model lie outside of wide "
            "limits, or contradict the metadata: a wrong scale, offset, unit or place."
        ),
        N_(
            "Download it again, or correct what the line names: scale, unit, date or place. A "
            "scene that is right in spite of its looks is named in inputs.trusted_scenes, where "
            "the line offers it."
        ),
    ),
    "GL2000": Explained(
        N_("The project file or an option is wrong"),
        N_("A key is unknown, a value is of a wrong kind or out of range, or a file is not there."),
        N_(
            "Correct the key that the line names. glacial-lakes init writes a project file that "
            "explains every key."
        ),
    ),
    "GL2001": Explained(
        N_("A result would come over an input"),
        N_(
            "An output has the place of an input, or lies among inputs, also by a link, a pattern "
            "or another spelling of the name."
        ),
        N_("Give the result a name or a folder of its own."),
    ),
    "GL2002": Explained(
        N_("Something that is not ours stands where a result would go"),
        N_(
            "The file or folder is there, and nothing proves that this program wrote it; it is "
            "left as it is."
        ),
        N_("Name another place, or replace it with --overwrite."),
    ),
    "GL3000": Explained(
        N_("A result could not be written"),
        N_(
            "The disk is full or fails, the folder may not be written to, or a file did not read "
            "back as it was written. The older result is whole."
        ),
        N_("Free the disk or choose another folder, then start again."),
    ),
    "GL3001": Explained(
        N_("The output is in use"),
        N_("Another run writes there, or another program, such as QGIS, has the file open."),
        N_("Wait for the run, or save and close the file there; then start again."),
    ),
    "GL4000": Explained(
        N_("Refused for safety"),
        N_(
            "The input would reach outside its folder or to the network, pretends to be another "
            "format, or would take more memory than such a file can need."
        ),
        N_("Download it again from its provider, or convert it to a plain GeoTIFF or GeoPackage."),
    ),
    "GL5000": Explained(
        N_("A resource ran out"),
        N_("The memory or disk allowed for a task was not enough, or its process was ended."),
        N_("Give more memory with --max-memory, or fewer scenes at a time with --jobs."),
    ),
    "GL5001": Explained(
        N_("A task took too long"),
        N_("It took longer than it may: a slow disk or network, or a file made to be slow."),
        N_("Try it alone, from a local disk."),
    ),
    "GL5002": Explained(
        N_("The cluster does not do its part"),
        N_(
            "No scheduler answers at the address, or a worker has other versions or cannot see "
            "the files."
        ),
        N_("Install the same versions everywhere, and keep the files on a disk that all share."),
    ),
}
"""Every code that the program can tell, one row each; ``docs/errors.md`` is made of it."""
