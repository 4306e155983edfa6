"""An inventory as one page to look at, to review and to search, without any network."""

from __future__ import annotations

import base64
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
from markupsafe import Markup

from glacial_lakes import language as words
from glacial_lakes.errors import N_, require
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.report.page import content_hash, environment_of, require_language
from glacial_lakes.report.relief import Bounds, relief
from glacial_lakes.report.viewer_data import viewer_data
from glacial_lakes.report.viewer_words import KEYS
from glacial_lakes.scenes.dem import Dem

_FOLDER = resources.files("glacial_lakes.report") / "viewer"
_SCRIPTS = ("outlines", "model", "curve", "pictures", "review", "map", "list", "panel", "viewer")
"""In the order in which they need each other."""

_MARGIN = 0.15
_LEAST_MARGIN_DEG = 0.02


def write_viewer(
    inventory: Inventory,
    path: Path | str,
    *,
    language: str = "en",
    title: str | None = None,
    glaciers: Places | None = None,
    dem: Dem | None = None,
) -> Path:
    """Write an inventory as one HTML file that shows every lake on a map.

    The page works from a disk without any network: a content security policy forbids all that is
    not in it. Lakes can be searched, filtered, looked at on each date and judged by key; what a
    reader decides is saved as a file that :func:`glacial_lakes.review_file` takes in. Equal
    inventories give equal bytes.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`; every one may be empty.
    path : path-like
        The ``.html`` file; an old one is replaced only by a whole new one.
    language : str
        Language of all words; codes and names stay.
    title : str, optional
        Heading, e.g. the name of the valley.
    glaciers : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        Glacier outlines for the map.
    dem : path-like, rasterio dataset or xarray.DataArray, optional
        Elevation model that is shaded as the ground of the map.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ConfigError
        For a language that is not known.
    GlacialLakesError
        When the elevation model or the glaciers cannot be read.
    OutputError
        When the file cannot be written; an older one is left as it was.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> gl.report.write_viewer(inventory, "viewer.html", dem="sample_data/dem.tif").name
    'viewer.html'
    """
    require(inventory, Inventory, "inventory", N_("open it with open_inventory"))
    require(path, (str, os.PathLike), "path", N_("give the path of a file"))
    require_language(language)
    ice = [] if glaciers is None else list(as_places(glaciers).to_crs("EPSG:4326").geometry)
    data, rows = viewer_data(inventory, ice, language)
    data["relief"] = None if dem is None else _relief(dem, rows)
    data["pictures"] = None
    page = _page(data, language, title)
    path = Path(path)
    with whole(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


def _relief(dem: Dem, rows: gpd.GeoDataFrame) -> dict[str, Any] | None:
    bounds = _map_bounds(rows)
    shaded = None if bounds is None else relief(dem, bounds)
    if shaded is None:
        return None
    west, south, east, north = shaded.bounds
    return {"src": data_uri(shaded.content), "bounds": [[south, west], [north, east]]}


def _map_bounds(rows: gpd.GeoDataFrame) -> Bounds | None:
    """Return the extent of all outlines with a margin."""
    bounds = rows.geometry.bounds.dropna()
    if bounds.empty:
        return None
    west, south = bounds["minx"].min(), bounds["miny"].min()
    east, north = bounds["maxx"].max(), bounds["maxy"].max()
    pad = max(_MARGIN * max(east - west, north - south), _LEAST_MARGIN_DEG)
    return float(west - pad), float(south - pad), float(east + pad), float(north + pad)


def data_uri(content: bytes) -> str:
    """Return a WebP file as the address of itself."""
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"


def _page(data: dict[str, Any], language: str, title: str | None) -> str:
    library, _, _ = _source("leaflet.js").rpartition("//# sourceMappingURL")
    script = "\n".join(_source(f"{name}.js") for name in _SCRIPTS)
    style = _source("leaflet.css") + _source("viewer.css")
    return (
        environment_of(language)
        .get_template("viewer.html")
        .render(
            language=language,
            title=title or words.translate("Glacial lake inventory", language),
            keys=KEYS,
            version=data["version"],
            has_folder=False,
            style=Markup(style),  # noqa: S704 (our own file)
            library=Markup(library),  # noqa: S704 (a file of the package)
            script=Markup(script),  # noqa: S704 (our own files)
            data=Markup(_json(data)),  # noqa: S704 (nothing in it can end the element)
            style_hash=content_hash(style),
            library_hash=content_hash(library),
            script_hash=content_hash(script),
        )
    )


def _json(data: dict[str, Any]) -> str:
    """Return JSON in which no text can end the element that it stands in, or begin another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    escaped: dict[str | int, str | int | None] = {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
    return text.translate(str.maketrans(escaped))


def _source(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
