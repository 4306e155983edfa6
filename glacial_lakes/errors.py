"""What can go wrong, each kind with its code and one line that says what to do.

Codes: ``GL1xxx`` a scene or input file is refused, ``GL2xxx`` the project file, ``GL3xxx``
an output, ``GL4xxx`` refused for safety, ``GL5xxx`` a resource ran out.
"""

from __future__ import annotations

from pathlib import Path


class GlacialLakesError(Exception):
    """A failure that a user can act on.

    Parameters
    ----------
    path : path-like or None
        The file or folder at fault, named first in the message.
    what : str
        What is wrong, as a clause without a full stop.
    remedy : str
        What to do about it, as a clause without a full stop.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> try:
    ...     gl.open_scene("missing.SAFE")
    ... except gl.GlacialLakesError as error:
    ...     print(error.code, error.remedy)
    GL1002 check the path
    """

    code = "GL0000"

    def __init__(self, path: Path | str | None, what: str, remedy: str = "") -> None:
        self.path = None if path is None else str(path)
        self.what = what
        self.remedy = remedy
        super().__init__(self.path, what, remedy)  # args rebuild the error in another process

    def __str__(self) -> str:
        where = "" if self.path is None else f"{self.path}: "
        todo = f"; {self.remedy}" if self.remedy else ""
        return " ".join(f"{self.code} {where}{self.what}{todo}".split())


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


class VectorError(InputError):
    """A vector file has no geometry, no CRS, or not the columns that are needed."""

    code = "GL1006"


class ConfigError(GlacialLakesError):
    """The project file or an option is wrong."""

    code = "GL2000"


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
