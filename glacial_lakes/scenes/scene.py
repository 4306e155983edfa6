"""A scene: paths and numbers that tell how to read reflectance and quality, never open files."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.errors import N_, InputError, require
from glacial_lakes.grid import Grid
from glacial_lakes.io.extras import chunked, lazy_pixels
from glacial_lakes.kernels.interpolation import bilinear, coarse_span, nearest
from glacial_lakes.runtime.notebooks import ShowsFacts
from glacial_lakes.scenes.arrays import fields_of
from glacial_lakes.scenes.quality import (
    FLAG_ATTRS,
    Decoder,
    Quality,
    as_whole,
    decoder_of,
    set_flag,
)
from glacial_lakes.scenes.raster import (
    AnyBand,
    AnyLayer,
    Band,
    is_nodata,
    read_numbers,
    to_reflectance,
)
from glacial_lakes.scenes.sensors import MAPPING_BANDS, BandName

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Band", "BandName", "Quality", "Scene"]

_OF_ITEMS = "glacial_lakes.scenes.stac"
"""Imported where it is used, for it makes scenes."""
_LIST_OF_BANDS = N_('give a list of bands, e.g. ["green"]')


@dataclass(frozen=True, repr=False)
class Scene(ShowsFacts):
    """One acquisition of one sensor: cheap, immutable and picklable.

    Made by :func:`glacial_lakes.open_scene` of a product, by :meth:`from_xarray` of arrays, or by
    :meth:`from_stac` of an item.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> scene = gl.discover("sample_data/scenes")[0]
    >>> scene.sensor, f"{scene.acquired:%Y-%m-%d}", scene.grid.shape
    ('LT05', '2003-08-17', (300, 300))
    >>> scene.read(["green", "nir"]).shape
    (2, 300, 300)
    """

    id: str
    path: str
    """The product folder, archive or file that was opened; of arrays what errors name."""
    sensor: str
    """``S2A`` to ``S2C``, ``LT04``, ``LT05``, ``LE07``, ``LC08``, ``LC09``, ``HLSS30``, ``PSB.SD``,
    or a sidecar's."""
    level: str
    """``L1C``, ``L2A``, ``L1TP``, ``L2SP``, … as the product names it."""
    acquired: datetime
    """Sensing time, aware, UTC."""
    grid: Grid
    """The grid of the finest band; all bands are read on it."""
    sun_azimuth_deg: float | None
    """Clockwise from north."""
    sun_elevation_deg: float | None
    bands: Mapping[str, AnyBand]
    quality: AnyLayer | None
    """The product's own quality layer, if any."""
    decoder: Decoder
    """How ``quality`` is decoded into :class:`Quality` bits."""
    saturation: AnyBand | None = None
    """The product's own layer of saturated bands, if any (Landsat QA_RADSAT)."""
    saturation_bits: int = 0
    """Bits of ``saturation`` that stand for the visible and near-infrared bands."""
    cloud_percent: float | None = None
    """The product's own estimate."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """``baseline``, ``checksum`` (``verified``, ``unverified``), ``processed`` and ``granule``."""

    @classmethod
    def from_xarray(
        cls,
        dataset: xr.Dataset | xr.DataArray | Mapping[str, xr.DataArray],
        *,
        sensor: str | None = None,
        acquired: datetime | str | None = None,
        scale: float | None = None,
        offset: float | None = None,
        nodata: float | str | None = None,
        saturated: float | None = None,
        crs: object = None,
        bands: Mapping[str, Hashable] | None = None,
        quality: xr.DataArray | str | None = None,
        decoder: Decoder | None = None,
        sun_azimuth_deg: float | None = None,
        sun_elevation_deg: float | None = None,
        level: str | None = None,
        id: str | None = None,  # noqa: A002 - as the field
        cloud_percent: float | None = None,
    ) -> Scene:
        """Return a scene of arrays: a cube of odc-stac, rioxarray, EOPF or Earth Engine.

        Windows are read from the arrays when they are needed: of dask arrays each chunk is computed
        once in a pass, and the scale is checked on one small window in the middle.

        Parameters
        ----------
        dataset : xarray.Dataset, xarray.DataArray or mapping of str to DataArray
            Of one time. A variable a band; or a dimension of bands whose coordinate holds their
            names, or whose descriptions stand in ``long_name``, as rioxarray has it. Bands of a
            mapping may have pixels larger by a whole factor. Known are ``green``, and by sensor
            ``B03``, ``b03``, ``SR_B3``, ``nir08``, …. Coordinates are pixel centres in metres or
            degrees, in either order; degrees become metres about the middle, on the same pixels.
        sensor : str, optional
            Such as ``S2A``; default ``sensor`` or ``platform`` among attributes and coordinates.
        acquired : datetime or str, optional
            With zone; default the coordinate ``time`` (UTC), or the attribute ``acquired`` or
            ``datetime``.
        scale, offset : float, optional
            ``reflectance = number * scale + offset``; default ``scale_factor`` and ``add_offset``
            of each band. Never guessed: of reflectance 1 and 0.
        nodata : float or "none", optional
            Number that stands for no data; default ``_FillValue``, ``nodata`` or
            ``missing_value``. Stored numbers must tell it, also as floats. NaN is never an
            observation.
        saturated : float, optional
            This number and above.
        crs : optional
            Anything that rasterio takes for one; default that of the accessor ``rio``, of
            ``spatial_ref``, or ``attrs["crs"]``, ``proj:epsg`` or ``proj:code`` (EOPF).
        bands : mapping of str to name, optional
            Names of bands that are not known otherwise, e.g. ``{"green": "G"}``.
        quality : DataArray or str, optional
            The quality layer as stored, on the grid of the bands or coarser by a whole factor;
            default the variable ``SCL`` or ``QA_PIXEL``.
        decoder : str or callable, optional
            ``scl``, ``qa_pixel`` or ``bqa``; default by the name of the layer.
        sun_azimuth_deg, sun_elevation_deg : float, optional
            Default those of the attributes, else by time and place.
        level, id : str, optional
            Default those of the attributes (``level``, ``scene_id``), else ``stack``, and sensor
            and time.
        cloud_percent : float, optional

        Raises
        ------
        InputError
            For an argument of another type, or an array without names of bands.
        MetadataError
            When sensor, time, scale, offset, no data or a band are not told, or the numbers are no
            reflectance with this scale.
        GridError
            When there is no CRS in metres or degrees, or the grids of the bands do not fit.

        Examples
        --------
        >>> import glacial_lakes as gl
        >>> held = gl.discover("sample_data/scenes")[0].to_xarray()
        >>> gl.Scene.from_xarray(held, scale=1, offset=0).sensor
        'LT05'
        """
        sun = {"sun_azimuth_deg": sun_azimuth_deg, "sun_elevation_deg": sun_elevation_deg}
        return cls(
            **fields_of(
                dataset,
                sensor=sensor,
                acquired=acquired,
                scale=scale,
                offset=offset,
                nodata=nodata,
                saturated=saturated,
                crs=crs,
                bands=bands,
                quality=quality,
                decoder=decoder,
                sun=sun,
                level=level,
                id=id,
                cloud_percent=cloud_percent,
            )
        )

    @classmethod
    def from_stac(
        cls,
        item: Any,
        *,
        hosts: Sequence[str] = (),
        folder: str | os.PathLike[str] | None = None,
        wait_s: float = 30.0,
    ) -> Scene:
        """Return the scene of an item of STAC, such as a search with pystac-client gives.

        Of images on a server headers are fetched, and blocks when they are read; both are kept.

        Parameters
        ----------
        item : pystac.Item or mapping
            An item, or its GeoJSON. Of one that was read from a file, images beside it are read.
        hosts : sequence of str
            Servers that may be asked for images, such as
            ``sentinel-cogs.s3.us-west-2.amazonaws.com``; no other is.
        folder : path-like, optional
            Where what is fetched is kept; needed for images on a server.
        wait_s : float
            So long a server may be silent.

        Raises
        ------
        InputError
            For what is no item.
        UnsafeInputError
            When an image lies on a host that is not among ``hosts``, or no folder is given.
        GlacialLakesError
            As of a scene of a project: ``docs/remote.md``.

        Examples
        --------
        >>> import glacial_lakes as gl
        >>> item = next(search.items())  # doctest: +SKIP
        >>> scene = gl.Scene.from_stac(
        ...     item, hosts=["example.com"], folder="fetched"
        ... )  # doctest: +SKIP
        """
        scene: Scene = import_module(_OF_ITEMS).scene_of(item, hosts, folder, wait_s)
        return scene

    def read(
        self,
        bands: Sequence[str],
        window: Window | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Read reflectance on the scene's grid.

        Coarser bands are interpolated bilinearly between pixel centres. A pixel has the same
        value whatever window it is read in.

        Parameters
        ----------
        bands : sequence of str
            Names such as ``"green"``; see :attr:`bands`.
        window : rasterio.windows.Window, optional
            Whole pixels of :attr:`grid`; may reach over its edge. Default: all of it.
        out : ndarray (band, y, x), float32, optional
            Where to read into.

        Returns
        -------
        ndarray (band, y, x), float32
            Reflectance (1), NaN where it was not observed or lies outside the grid.

        Raises
        ------
        InputError
            For a band that the scene does not have, or what is no list of them.
        DamagedFileError
            When a file cannot be decoded.
        """
        require(bands, Sequence, "bands", _LIST_OF_BANDS, but=str)
        if window is None:
            window = self.grid.window
        require(window, Window, "window", N_("give a rasterio.windows.Window"))
        shape = (int(window.height), int(window.width))
        reflectance = np.empty((len(bands), *shape), np.float32) if out is None else out
        for name, plane in zip(bands, reflectance, strict=True):
            self._read_band(self._band(name), window, plane)
        return reflectance

    def read_quality(self, window: Window | None = None) -> NDArray[np.uint8]:
        """Read the quality of pixels on the scene's grid.

        Parameters
        ----------
        window : rasterio.windows.Window, optional
            As for :meth:`read`.

        Returns
        -------
        ndarray (y, x), uint8
            Bits of :class:`Quality`. NODATA also where green or near infrared is missing and
            outside the grid; SATURATED also where one of these two is at its ceiling.
        """
        window = self.grid.window if window is None else window
        flags = self.read_flags(window)
        for name in MAPPING_BANDS:
            band = self._band(name)
            numbers, seen = self._read_nearest(band, window)
            missing = ~seen | is_nodata(band, numbers)
            set_flag(flags, missing, Quality.NODATA)
            if band.saturated is not None:
                set_flag(flags, ~missing & (numbers >= band.saturated), Quality.SATURATED)
        return flags

    def read_flags(self, window: Window) -> NDArray[np.uint8]:
        """Read what the product's own layers say of pixels, without a look at the bands.

        Parameters and result as for :meth:`read_quality`.
        """
        flags = np.zeros((int(window.height), int(window.width)), np.uint8)
        if self.quality is not None:
            layer_flags, seen = self._read_nearest(self.quality, window, decoder_of(self.decoder))
            flags |= layer_flags
            if not seen.all():
                set_flag(flags, ~seen, Quality.NODATA)
        if self.saturation is not None:
            numbers, _ = self._read_nearest(self.saturation, window)
            numbers = as_whole(numbers, 0)
            set_flag(flags, (numbers & self.saturation_bits) != 0, Quality.SATURATED)
        return flags

    def to_xarray(
        self,
        bands: Sequence[str] | None = None,
        *,
        chunks: int | str | Mapping[str, int | str] | None = None,
    ) -> xr.DataArray:
        """Return reflectance with coordinates, read when it is looked at (needs ``xarray``).

        Parameters
        ----------
        bands : sequence of str, optional
            Default: all bands of the scene.
        chunks : int, str or mapping, optional
            As of :meth:`xarray.DataArray.chunk` (needs ``dask``). Without them parts are read when
            they are selected and looked at, and the whole when it is computed with.

        Returns
        -------
        xarray.DataArray (band, y, x), float32
            Coordinates: ``y`` and ``x``, pixel centres in metres; ``time`` (UTC); ``quality``
            (y, x), uint8, bits of :class:`Quality`; ``spatial_ref``. ``attrs["crs"]`` is the CRS as
            WKT.

        Raises
        ------
        InputError
            For a band that the scene does not have.
        ConfigError
            When xarray is not installed, or dask is not where chunks are asked for.
        """
        lazy = lazy_pixels()
        if bands is not None:
            require(bands, Sequence, "bands", _LIST_OF_BANDS, but=str)
        names = list(self.bands) if bands is None else list(bands)
        for name in names:
            self._band(name)
        shape = self.grid.shape
        attrs = {
            "units": "1",
            "crs": self.grid.crs.to_wkt(),
            "scene_id": self.id,
            "sensor": self.sensor,
            "level": self.level,
            "acquired": self.acquired.isoformat(),
        }
        read = partial(_read_parts, self, tuple(names))
        values = lazy.lazy(read, ("band", "y", "x"), (len(names), *shape), np.float32, **attrs)
        flags = lazy.lazy(partial(_flag_parts, self), ("y", "x"), shape, np.uint8, **FLAG_ATTRS)
        coords = lazy.places(self.grid) | {
            "band": names,
            "time": lazy.as_time(self.acquired),
            "quality": flags,
        }
        array = lazy.xr.DataArray(values, coords, name="reflectance")
        return chunked(array, chunks)  # type: ignore[no-any-return]

    def _facts(self) -> dict[str, str]:
        rows, cols = self.grid.shape
        cloud = "–" if self.cloud_percent is None else f"{self.cloud_percent:.0f} %"
        return {
            "scene": self.id,
            "sensor": f"{self.sensor} {self.level}",
            "acquired": f"{self.acquired:%Y-%m-%d %H:%M} UTC",
            "grid": f"{rows} × {cols} pixels of {self.grid.resolution:g} m, {self.grid.crs_name}",
            "bands": ", ".join(self.bands),
            "cloud": cloud,
        }

    def __repr__(self) -> str:
        rows, cols = self.grid.shape
        return (
            f"<Scene {self.id}: {self.sensor} {self.level}, {self.acquired:%Y-%m-%d %H:%M} UTC, "
            f"{rows} × {cols} pixels of {self.grid.resolution:g} m, {', '.join(self.bands)}>"
        )

    def _band(self, name: str) -> AnyBand:
        if name not in self.bands:
            raise InputError(
                self.path,
                "has no band {name!r}",
                "use one of {bands}",
                name=name,
                bands=sorted(self.bands),
            )
        return self.bands[name]

    def _factor(self, band: AnyLayer) -> int:
        return max(1, round(band.resolution / self.grid.resolution))

    def _read_band(self, band: AnyBand, window: Window, out: NDArray[np.float32]) -> None:
        factor = self._factor(band)
        part = self.grid.clip(window)
        if part != window:
            out[:] = np.nan
        if factor == 1:
            numbers, inside = read_numbers(band, window)
            to_reflectance(band, numbers, out=out[inside])
            return
        if not (part.width and part.height):
            return
        start, shape = (int(part.row_off), int(part.col_off)), (int(part.height), int(part.width))
        coarse_window = _coarse_window(start, shape, factor, margin=1)
        numbers, inside = read_numbers(band, coarse_window)
        coarse = np.full((coarse_window.height, coarse_window.width), np.nan, np.float32)
        coarse[inside] = to_reflectance(band, numbers)
        row, col = start[0] - int(window.row_off), start[1] - int(window.col_off)
        out[row : row + shape[0], col : col + shape[1]] = bilinear(coarse, factor, start, shape)

    def _read_nearest(
        self,
        band: AnyLayer,
        window: Window,
        decode: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Numbers, decoded, on the scene's grid; 0 where there are none, and where there are some.

        Decoded before they are spread: a quarter of the work where the layer is coarser.
        """
        factor = self._factor(band)
        start = int(window.row_off), int(window.col_off)
        shape = int(window.height), int(window.width)
        coarse_window = _coarse_window(start, shape, factor)
        stored, inside = read_numbers(band, coarse_window)
        stored = decode(stored)
        if stored.shape == (coarse_window.height, coarse_window.width):
            return nearest(stored, factor, start, shape), np.broadcast_to(np.True_, shape)
        coarse = np.zeros((coarse_window.height, coarse_window.width), stored.dtype)
        known = np.zeros(coarse.shape, np.bool_)
        coarse[inside], known[inside] = stored, True
        return nearest(coarse, factor, start, shape), nearest(known, factor, start, shape)


def _read_parts(
    scene: Scene, names: tuple[str, ...], parts: tuple[slice, ...]
) -> NDArray[np.float32]:
    """Return reflectance in parts of bands, rows and columns."""
    bands, rows, cols = parts
    return scene.read(names[bands], Window.from_slices(rows, cols))


def _flag_parts(scene: Scene, parts: tuple[slice, ...]) -> NDArray[np.uint8]:
    """Return quality in parts of rows and columns."""
    return scene.read_quality(Window.from_slices(*parts))


def _coarse_window(
    start: tuple[int, int], shape: tuple[int, int], factor: int, margin: int = 0
) -> Window:
    row, height = coarse_span(start[0], shape[0], factor)
    col, width = coarse_span(start[1], shape[1], factor)
    return Window(col - margin, row - margin, width + 2 * margin, height + 2 * margin)
