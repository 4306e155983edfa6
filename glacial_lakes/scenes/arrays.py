"""A scene of arrays that a person holds: cubes of odc-stac, rioxarray, EOPF and Earth Engine.

Each band is read from its array window by window. What the arrays do not tell of themselves
arguments tell, or the scene is refused: scale, offset and time are never guessed. The sun follows
from time and place.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError

from glacial_lakes.errors import N_, GridError, InputError, Message, MetadataError, require
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.declared import (
    SAMPLE,
    SMALL_SCALE,
    declared,
    declared_scale,
    declared_sun,
)
from glacial_lakes.scenes.held_array import (
    crs_in,
    crs_of,
    has_axes,
    is_data_array,
    number_of,
    plane_of,
    tells_void,
    transform_of,
    void_of,
)
from glacial_lakes.scenes.local_metres import grid_of
from glacial_lakes.scenes.metadata import to_name, to_number, to_time
from glacial_lakes.scenes.quality import DECODERS, Decoder
from glacial_lakes.scenes.raster import Header, HeldBand, coarsening
from glacial_lakes.scenes.sensors import MAPPING_BANDS, SENSORS, BandName, band_meant

if TYPE_CHECKING:
    import xarray as xr

_WHERE = "dataset"
"""What errors name before the scene has an id."""

_QUALITY_NAMES: Mapping[str, Decoder] = {"scl": "scl", "qa_pixel": "qa_pixel"}
"""Layers of quality that are known by their names."""
_SENSOR_NAMES = ("sensor", "platform")
_TIME_NAMES = ("acquired", "time", "datetime")
_SUN_NAMES = {
    "sun_elevation_deg": ("sun_elevation_deg", "view:sun_elevation"),
    "sun_azimuth_deg": ("sun_azimuth_deg", "view:sun_azimuth"),
}

Arrays = Mapping[str, "xr.DataArray"]


def fields_of(
    dataset: xr.Dataset | xr.DataArray | Arrays,
    *,
    sensor: str | None,
    acquired: datetime | str | None,
    scale: float | None,
    offset: float | None,
    nodata: float | str | None,
    saturated: float | None,
    crs: object,
    bands: Mapping[str, Hashable] | None,
    quality: xr.DataArray | str | None,
    decoder: Decoder | None,
    sun: Mapping[str, float | None],
    level: str | None,
    id: str | None,  # noqa: A002 - as the field of a scene
    cloud_percent: float | None,
) -> dict[str, Any]:
    """Return the fields of a scene of arrays; see :meth:`glacial_lakes.Scene.from_xarray`."""
    arrays, attrs = _arrays(dataset)
    attributes = _Attributes(arrays, attrs)
    name = _sensor(sensor if sensor is not None else attributes.of(_SENSOR_NAMES))
    time = _time(acquired if acquired is not None else attributes.of(_TIME_NAMES))
    given = id if id is not None else attributes.of(("scene_id",))
    own = to_name(f"{name}_{time:%Y%m%dT%H%M%S}" if given is None else str(given), "id", _WHERE)
    chosen = _chosen(arrays, name, bands or {}, own)
    # what was written onto the whole holds for its parts
    place = None if crs is None else _given_crs(crs)
    common = crs_in(attrs) if place is None else None
    planes = {
        band: _Plane(arrays[key], place, common, Message("the band {band}", band=band))
        for band, key in chosen.items()
    }
    finest = min(planes.values(), key=lambda plane: plane.header.resolution)
    grid = grid_of(cast("CRS", finest.header.crs), finest.header.transform, finest.header.shape)
    factors = {band: _factors(plane, scale, offset, own) for band, plane in planes.items()}
    held: dict[str, HeldBand] = {
        str(band): HeldBand(
            plane.array,
            *factors[band],
            _nodata(plane, nodata, factors[band][0], own),
            grid.resolution * coarsening(plane.header, own, finest.header),
            None if saturated is None else to_number(saturated, "saturated", own),
            plane.made_with if factors[band] == (1.0, 0.0) else None,
        )
        for band, plane in planes.items()
    }
    layer = _quality(arrays, quality, decoder, (place, common), (finest.header, grid), own)
    angles = {
        angle: value if value is not None else attributes.of(_SUN_NAMES[angle])
        for angle, value in sun.items()
    }
    if any(value is not None for value in sun.values()):
        angles = dict(sun)  # half of what is given is not made whole by what is told
    text = level if level is not None else attributes.of(("level",))
    return declared(
        own,
        id=own,
        path=own,
        sensor=name,
        level="stack" if text is None else str(text),
        acquired=time,
        grid=grid,
        bands=held,
        quality=layer,
        sun=declared_sun(angles, own),
        cloud_percent=cloud_percent,
        provenance={"product": "xarray", "granule": own, "metadata": ()},
        is_lazy=any(band.plane.chunks is not None for band in held.values()),
    )


class _Attributes:
    """What attributes and scalar coordinates of arrays tell."""

    def __init__(self, arrays: Arrays, attrs: Mapping[Any, Any]) -> None:
        self._attrs = [attrs, *(array.attrs for array in arrays.values())]
        self._coords = [array.coords for array in arrays.values()]

    def of(self, names: Sequence[str]) -> Any:
        """Return what is told under the first of some names; None where nothing is."""
        return next(self._all(names), None)

    def _all(self, names: Sequence[str]) -> Iterator[Any]:
        for name in names:
            yield from (attrs[name] for attrs in self._attrs if attrs.get(name) is not None)
            for coords in self._coords:
                if name in coords and coords[name].size == 1:
                    yield coords[name].to_numpy().reshape(())[()]


class _Plane:
    """A band as an array (y, x), and where its pixels lie."""

    def __init__(self, array: xr.DataArray, crs: CRS | None, common: object, what: Message) -> None:
        self.what, self.tells_void = what, tells_void(array)
        self.is_decoded = array.dtype.kind == "f" and any(
            name in array.encoding for name in ("scale_factor", "add_offset")
        )
        self.made_with: tuple[float, float] | None = None
        if self.is_decoded:
            scale, offset = (
                float(np.asarray(array.encoding.get(name, plain)).reshape(-1)[0])
                for name, plain in (("scale_factor", 1.0), ("add_offset", 0.0))
            )
            self.made_with = (scale, offset) if scale > 0 else None
        self.array = plane_of(array, what)
        if self.array.dtype.kind not in "uif":
            raise InputError(
                None, "{what} holds {kinds} numbers", "give reflectance", what=what,
                kinds=str(self.array.dtype),
            )  # fmt: skip
        if crs is None:
            crs = crs_of(array if common is None else array.assign_attrs(crs=common), what)
        transform = transform_of(self.array, what)
        shape = (int(self.array.shape[0]), int(self.array.shape[1]))
        self.header = Header(crs, transform, shape, 1, None)


def _arrays(source: object) -> tuple[dict[str, xr.DataArray], Mapping[Any, Any]]:
    """Return the arrays with rows and columns by name, and the attributes of the whole."""
    remedy = N_(
        "give an xarray Dataset, a variable a band, or a DataArray with a dimension of bands"
    )
    if is_data_array(source):
        return _bands_of(source), source.attrs
    require(source, Mapping, "dataset", remedy)
    entries = cast("Mapping[Any, object]", source)
    found = {str(name): entry for name, entry in entries.items() if is_data_array(entry)}
    if len(found) < len(entries):
        require(source, (), "dataset", remedy)
    found = {name: entry for name, entry in found.items() if has_axes(entry)}
    return found, getattr(source, "attrs", {})


def _bands_of(array: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return the bands of an array by their coordinate, or by their descriptions (rioxarray)."""
    for name in array.dims:
        labels = array.coords[name].to_numpy() if name in array.coords else np.empty(0)
        described = array.attrs.get("long_name")
        if labels.dtype.kind not in "UOT" and str(name).lower() == "band":
            if isinstance(described, (tuple, list)) and len(described) == array.sizes[name]:
                labels = np.array(described, dtype=object)
            elif not len(labels):
                labels = np.arange(1, array.sizes[name] + 1)
        if labels.dtype.kind in "UOT" or (len(labels) and str(name).lower() == "band"):
            return {
                str(label): array.isel({name: place}) for place, label in enumerate(labels.tolist())
            }
    raise InputError(
        None,
        "the array has no dimension with the names of bands",
        'give it one, e.g. assign_coords(band=["green", "nir"])',
    )


def _chosen(
    arrays: Arrays, sensor: str, given: Mapping[str, Hashable], where: str
) -> dict[BandName, str]:
    """Return the name of the array of each band."""
    require(given, Mapping, "bands", N_('give names by band, e.g. {"green": "B03"}'))
    names = get_args(BandName)
    for band, key in given.items():
        if band not in names or str(key) not in arrays:
            raise MetadataError(
                where,
                "bands has {band} = {key}, which is none",
                "bands are {names}; the dataset has {there}",
                band=band,
                key=repr(key),
                names=names,
                there=list(arrays),
            )
    chosen: dict[BandName, str] = {}
    for band in names:
        if band in given:
            chosen[band] = str(given[band])
            continue
        hits = [key for key in arrays if band_meant(key, sensor) == band]
        if len(hits) > 1:
            raise MetadataError(
                where,
                "{names} are all {band}",
                "choose one with bands, e.g. bands={example}",
                names=hits,
                band=band,
                example=repr({band: hits[0]}),
            )
        if hits:
            chosen[band] = hits[0]
    missing = [band for band in MAPPING_BANDS if band not in chosen]
    if missing:
        raise MetadataError(
            where,
            "has no band {missing}; it has {there}",
            "tell which it is, e.g. bands={example}",
            missing=missing,
            there=list(arrays),
            example=repr({missing[0]: next(iter(arrays), "B03")}),
        )
    return chosen


def _sensor(given: object) -> str:
    if given is None:
        raise MetadataError(_WHERE, "tells no sensor", 'give it, e.g. sensor="S2A"')
    name = to_name(str(given), "sensor", _WHERE)
    plain = name.lower().replace("_", "-")
    known = (one for one in SENSORS if one.said and one.said[0].lower().replace("_", "-") == plain)
    return next((one.name for one in known), name)


def _time(given: object) -> datetime:
    """Return the time of the image; that of numpy has no zone and is UTC by custom."""
    if given is None:
        raise MetadataError(
            _WHERE, "tells no time", 'give it, e.g. acquired="2021-08-24T06:08:07Z"'
        )
    if isinstance(given, datetime) and given.tzinfo is not None:
        return given.astimezone(UTC)
    if isinstance(given, np.datetime64) and not np.isnat(given):
        return cast("datetime", given.astype("datetime64[us]").item()).replace(tzinfo=UTC)
    return to_time(str(given), "acquired", _WHERE)


def _given_crs(crs: object) -> CRS:
    try:
        return CRS.from_user_input(getattr(crs, "to_wkt", lambda: crs)())
    except (CRSError, TypeError, ValueError):
        raise GridError(
            _WHERE, "crs is {crs}, which is none", 'give e.g. "EPSG:32643"', crs=repr(crs)
        ) from None


def _factors(
    plane: _Plane, scale: float | None, offset: float | None, where: str
) -> tuple[float, float]:
    """Return scale and offset: those given, those of the attributes, or done while it was read."""
    names = {"scale": "scale_factor", "offset": "add_offset"}
    found = []
    for (argument, name), value, plain in zip(names.items(), (scale, offset), (1, 0), strict=True):
        if value is not None:
            found.append(to_number(value, argument, where))
        elif plane.is_decoded:
            found.append(float(plain))
        elif name in plane.array.attrs:
            found.append(number_of(plane.array, name, 1.0, plane.what))
        else:
            raise MetadataError(
                where,
                "{what} does not tell its {argument}",
                "give scale and offset, e.g. scale=0.0001, offset=-0.1; of reflectance "
                "scale=1, offset=0",
                what=plane.what,
                argument=argument,
            )
    return declared_scale(found[0], where), found[1]


def _nodata(plane: _Plane, given: float | str | None, scale: float, where: str) -> float | None:
    """Return the number of no data; NaN is never an observation.

    Stored numbers must tell it, also as floats: odc-stac makes these of items that tell no type,
    and a fill of 0 would be a dark place.
    """
    if given is not None:
        return None if given == "none" else to_number(given, "nodata", where)
    mark = void_of(plane.array, plane.array.dtype.name, plane.what)
    if mark is not None and not np.isnan(mark):
        return mark
    is_stored = plane.array.dtype.kind != "f" or scale < SMALL_SCALE or plane.is_decoded
    if is_stored and not (plane.array.dtype.kind == "f" and plane.tells_void):
        raise MetadataError(
            where,
            "{what} does not tell what stands for no data",
            'give nodata, e.g. nodata=0, or nodata="none"',
            what=plane.what,
        )
    return None


def _quality(
    arrays: Arrays,
    given: xr.DataArray | str | None,
    decoder: Decoder | None,
    crs: tuple[CRS | None, object],
    like: tuple[Header, Grid],
    where: str,
) -> tuple[HeldBand | None, Decoder]:
    """Return the layer of quality and what decodes it: as given, or known by its name."""
    key = given if isinstance(given, str) else None
    if given is None:
        key = next((name for name in arrays if name.lower() in _QUALITY_NAMES), None)
        if key is None:
            if decoder is not None:
                raise MetadataError(where, "has a decoder but no quality layer", "give quality")
            return None, "none"
    if key is not None and key not in arrays:
        raise MetadataError(
            where,
            "quality is {name}, which is no band of it",
            "use one of {there}",
            name=repr(key),
            there=list(arrays),
        )
    array = given if key is None else arrays[key]
    if not is_data_array(array):
        require(array, (), "quality", N_("give a DataArray or the name of a variable"))
    array = cast("xr.DataArray", array)
    found = decoder or _QUALITY_NAMES.get((key or str(array.name)).lower())
    if found is None or not (callable(found) or found in DECODERS):
        raise MetadataError(
            where,
            "does not tell how its quality layer is decoded",
            "give decoder as one of {decoders}",
            decoders=list(DECODERS),
        )
    what = Message("the quality layer")
    plane = _Plane(array, *crs, what)
    _require_whole(plane.array, where)
    header, grid = like
    resolution = grid.resolution * coarsening(plane.header, where, header)
    return HeldBand(plane.array, 1.0, 0.0, None, resolution), found


def _require_whole(array: xr.DataArray, where: str) -> None:
    """Refuse classes or bits that were interpolated, by a look at the middle."""
    rows, cols = (slice(max(0, size - SAMPLE) // 2, (size + SAMPLE) // 2) for size in array.shape)
    numbers = array[rows, cols].to_numpy().astype(np.float64)
    broken = numbers[np.isfinite(numbers) & (numbers != np.floor(numbers))]
    if broken.size:
        raise MetadataError(
            where,
            "the quality layer holds broken numbers, such as {number:g}",
            "give it as it is stored, or resampled to the nearest pixel",
            number=broken[0],
        )
