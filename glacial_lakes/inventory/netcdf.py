"""Areas through time as CF netCDF: a time series a lake, in a ragged array (CF, chapter 9)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

import glacial_lakes
from glacial_lakes.columns import C
from glacial_lakes.io.atomic import whole
from glacial_lakes.schema import Status

_LAKE, _OBSERVATION = "lake", "observation"
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
_NUMBERS: Mapping[str, tuple[str, str]] = {
    C.AREA_M2: ("area of the lake", "m2"),
    C.AREA_SIGMA_M2: ("standard error of the area", "m2"),
    C.AREA_SIGMA_SHARED_M2: ("part of the error that all dates of a sensor share", "m2"),
    C.AREA_SIGMA_DATE_M2: ("part of the error that each date adds", "m2"),
    C.AREA_MIN_M2: ("least area of a lake that is not seen whole", "m2"),
    C.AREA_MAX_M2: ("largest area of a lake that is not seen whole", "m2"),
    C.OBSERVED_FRACTION: ("share of the lake that the scene shows", "1"),
}
"""Of each date, meaning and unit."""


def write_areas(observations: pd.DataFrame, lakes: pd.DataFrame, path: Path | str) -> Path:
    """Write areas through time as one netCDF file, whole or not at all.

    Equal tables give equal bytes. A missing number is NaN, never 0.

    Parameters
    ----------
    observations : pandas.DataFrame
        :data:`glacial_lakes.schema.OBSERVATIONS`, one row a lake and scene.
    lakes : pandas.DataFrame
        ``lake_id``, ``lon``, ``lat`` and ``elev_m``, one row a lake.
    path : path-like
        The ``.nc`` file; an old one is replaced.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    lakes = lakes.sort_values(C.LAKE_ID, ignore_index=True)
    rows = observations[
        observations[C.LAKE_ID].isin(lakes[C.LAKE_ID]) & observations[C.ACQUIRED].notna()
    ].sort_values([C.LAKE_ID, C.ACQUIRED, C.SCENE_ID], ignore_index=True)
    path = Path(path)
    with whole(path) as aside:
        _write(rows, lakes, aside)
    return path


def _write(rows: pd.DataFrame, lakes: pd.DataFrame, path: Path) -> None:
    from scipy.io import netcdf_file  # noqa: PLC0415 - few ask for it

    statuses = list(Status)
    seconds = (rows[C.ACQUIRED] - _EPOCH).dt.total_seconds()
    counts = rows[C.LAKE_ID].value_counts().reindex(lakes[C.LAKE_ID], fill_value=0)
    with netcdf_file(path, "w", version=2) as file:
        file.Conventions, file.featureType = "CF-1.8", "timeSeries"
        file.title = "Areas of glacial lakes through time"
        file.source = "satellite images"
        file.history = f"written by glacial_lakes {glacial_lakes.__version__}"
        file.references = "Column names are those of docs/data_dictionary.md"
        file.comment = (
            "area_m2 is missing where a lake was not seen whole; area_status tells why. Errors are "
            "of 68 %."
        )
        file.createDimension(_LAKE, len(lakes))
        file.createDimension(_OBSERVATION, len(rows))
        _put_text(file, C.LAKE_ID, _LAKE, lakes[C.LAKE_ID], "number of the lake")
        file.variables[C.LAKE_ID].cf_role = "timeseries_id"
        _put(file, C.LON, _LAKE, lakes[C.LON], "longitude of a point in the lake", "degrees_east")
        _put(file, C.LAT, _LAKE, lakes[C.LAT], "latitude of a point in the lake", "degrees_north")
        file.variables[C.LON].standard_name = "longitude"
        file.variables[C.LAT].standard_name = "latitude"
        elevation = lakes.get(C.ELEV_M, pd.Series(np.nan, lakes.index))
        _put(file, C.ELEV_M, _LAKE, elevation, "elevation of the lake", "m")
        file.variables[C.ELEV_M].standard_name = "surface_altitude"
        file.variables[C.ELEV_M].coordinates = "lon lat"
        _put(file, "row_size", _LAKE, counts, "number of observations of the lake", None, "i4")
        file.variables["row_size"].sample_dimension = _OBSERVATION
        _put(
            file, "time", _OBSERVATION, seconds, "time of the image",
            "seconds since 1970-01-01 00:00:00",
        )  # fmt: skip
        time = file.variables["time"]
        time.standard_name, time.calendar, time.axis = "time", "standard", "T"
        for name, (meaning, units) in _NUMBERS.items():
            values = rows.get(name, pd.Series(np.nan, rows.index))
            _put(file, name, _OBSERVATION, values, meaning, units)
            file.variables[name].coordinates = "time lon lat"
        file.variables[C.AREA_M2].ancillary_variables = " ".join(
            [name for name in _NUMBERS if name != C.AREA_M2] + ["area_status"]
        )
        codes = [statuses.index(Status(status)) for status in rows[C.STATUS]]
        _put(file, "area_status", _OBSERVATION, codes, "what the scene shows of it", None, "i1")
        status = file.variables["area_status"]
        status.flag_values = np.arange(len(statuses), dtype=np.int8)
        status.flag_meanings = " ".join(statuses)
        status.coordinates = "time lon lat"
        for name, meaning in ((C.SCENE_ID, "scene"), (C.SENSOR, "satellite and sensor")):
            _put_text(file, name, _OBSERVATION, rows[name], meaning)


def _put(
    file: Any, name: str, along: str, values: ArrayLike, meaning: str, units: str | None,
    kind: str = "f8",
) -> None:  # fmt: skip
    variable = file.createVariable(name, kind, (along,))
    variable[:] = np.asarray(values, kind)
    variable.long_name = meaning
    if units is not None:
        variable.units = units
    is_coordinate = name in (C.LON, C.LAT, "time")
    if kind == "f8" and not is_coordinate:
        variable._FillValue = np.float64(np.nan)


def _put_text(file: Any, name: str, along: str, values: pd.Series, meaning: str) -> None:
    """Write texts as rows of characters, for the classic format has no others."""
    coded = [str(value).encode("utf-8") for value in values.fillna("")]
    width = max([1, *map(len, coded)])
    file.createDimension(f"{name}_length", width)
    variable = file.createVariable(name, "S1", (along, f"{name}_length"))
    letters = np.array(coded, f"S{width}").view("S1").reshape(len(coded), width)
    variable[:] = letters
    variable.long_name = meaning
