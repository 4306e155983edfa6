"""One lake through time as a table, with its curve and pictures beside it."""

from __future__ import annotations

from pathlib import Path

from glacial_lakes import schema
from glacial_lakes.export.export import write_csv
from glacial_lakes.inventory.area_series import AreaSeries
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.marks import overwriting, refuse_foreign


def write_series(series: AreaSeries, path: Path | str, language: str = "en") -> list[Path]:
    """Write the dates of a lake as a table, and a figure of them beside it.

    Parameters
    ----------
    series : AreaSeries
        From :func:`glacial_lakes.area_series`.
    path : path-like
        The ``.csv`` file; the figure has the same name and the ending ``.png``.
    language : {"en", "ru"}
        Language of the figure.

    Returns
    -------
    list of pathlib.Path
        Both files.

    Raises
    ------
    OutputError
        When a file cannot be written.
    ForeignFileError
        When something that is no older result stands in the place of one.
    """
    target = Path(path).absolute()
    picture = target.with_suffix(".png")
    names = [column.name for column in schema.SERIES]
    with whole(target) as temporary:
        write_csv(series.observations, schema.SERIES, names, temporary)
        refuse_foreign(temporary, target)
        known = [picture] if target.exists() else []  # an older figure lies beside an older table
        with overwriting(known), whole(picture) as drawn:
            series.figure(language).savefig(drawn, dpi=150)
    return [target, picture]
