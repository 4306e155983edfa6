"""An inventory as one page to look at, to review and to search, without any network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
from markupsafe import Markup

from glacial_lakes import language as words
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, require
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.io.atomic import whole_set
from glacial_lakes.io.vector import Places
from glacial_lakes.report.page import (
    content_hash,
    environment_of,
    ice_about,
    require_language,
    write_page,
)
from glacial_lakes.report.pictures import COLUMNS, PER_SHEET, SIZE, sheets
from glacial_lakes.report.relief import Bounds, data_uri, relief
from glacial_lakes.report.viewer_data import row_columns, viewer_data
from glacial_lakes.report.viewer_words import KEYS
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.schema import Status

_FOLDER = resources.files("glacial_lakes.report") / "viewer"
_SCRIPTS = ("outlines", "model", "curve", "pictures", "review", "map", "list", "panel", "viewer")
"""In the order in which they need each other."""

MOST_PAGE_BYTES = 38_000_000
"""Of outlines and pictures in the page: a larger one has its pictures beside it."""
_ROW_BYTES = 40
"""Of a date of a lake in the page, without its outline."""

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
    looks: Mapping[str, Path] | None = None,
    rivers: Mapping[str, gpd.GeoSeries] | None = None,
) -> list[Path]:
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
    looks : mapping of str to path-like, optional
        Rasters of red, green and blue by scene, as runs keep them, from which pictures of lakes are
        cut.
    rivers : mapping of str to geopandas.GeoSeries, optional
        What mapping took for rivers, by scene: ``MappedScene.rivers``.

    Returns
    -------
    list of pathlib.Path
        The page, and the files beside it: where outlines and pictures take more than
        :data:`MOST_PAGE_BYTES`, pictures lie in a folder, which has the name of the page and
        ``_files``.

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
    >>> gl.report.write_viewer(inventory, "viewer.html", dem="sample_data/dem.tif")[0].name
    'viewer.html'
    """
    require(inventory, Inventory, "inventory", N_("open it with open_inventory"))
    require(path, (str, os.PathLike), "path", N_("give the path of a file"))
    require_language(language)
    ice = ice_about(inventory, glaciers)
    data, rows = viewer_data(inventory, ice, language, rivers)
    data["relief"] = None if dem is None else _relief(dem, rows)
    path = Path(path)
    with ThreadPoolExecutor(1, "pictures") as pool:
        cut = pool.submit(_cut, data, rows, looks or {})
        data["rows"] = row_columns(rows, len(data["lakes"]["id"]), data["origin"])
    data["pictures"], files = _placed(*cut.result(), data, f"{path.stem}_files")
    page = _page(data, language, title or inventory.name, has_folder=bool(files))
    if not files:
        return [write_page(path, page)]
    with whole_set(path) as aside:
        for name, content in files.items():
            (aside.parent / name).parent.mkdir(exist_ok=True)
            (aside.parent / name).write_bytes(content)
        write_page(aside, page)
    return [path, *(path.parent / name for name in files)]


def _cut(
    data: dict[str, Any], rows: gpd.GeoDataFrame, looks: Mapping[str, Path]
) -> tuple[list[bytes], dict[int, dict[str, Any]]]:
    """Return sheets of pictures, and what the page says of those of each lake."""
    ids = data["scenes"]["id"]
    by_place = {place: Path(looks[name]) for place, name in enumerate(ids) if name in looks}
    if not by_place:
        return [], {}
    telling = _telling(data, rows)
    contents, of_lake = sheets(rows, by_place, telling)
    by_lake = {}
    for lake, pictures in of_lake.items():
        west, south, east, north = (round(value, 7) for value in pictures.bounds)
        by_lake[lake] = {
            "bounds": [[south, west], [north, east]],
            "scenes": pictures.scenes,
            "at": pictures.places,
            "told": [
                place
                for place, scene in enumerate(pictures.scenes)
                if (lake, scene) in telling or place in (0, len(pictures.scenes) - 1)
            ],
        }
    return contents, by_lake


def _placed(
    contents: list[bytes], by_lake: dict[int, dict[str, Any]], data: dict[str, Any], folder: str
) -> tuple[dict[str, Any] | None, dict[str, bytes]]:
    """Return what the page says of pictures, and the files that lie beside it."""
    if not contents:
        return None, {}
    as_text = 4 / 3 * sum(len(content) for content in contents)
    outlines = sum(len(text) + _ROW_BYTES for text in data["rows"]["shape"])
    is_inline = as_text + outlines <= MOST_PAGE_BYTES
    names = [f"{folder}/{number:04d}.jpg" for number in range(len(contents))]
    shown = {
        "size": SIZE,
        "columns": COLUMNS,
        "per_sheet": PER_SHEET,
        "sheets": [data_uri(content) for content in contents] if is_inline else names,
        "lakes": [by_lake.get(lake) for lake in range(len(data["lakes"]["id"]))],
    }
    return shown, {} if is_inline else dict(zip(names, contents, strict=True))


def _telling(data: dict[str, Any], rows: gpd.GeoDataFrame) -> set[tuple[int, int]]:
    """Return lake and image of the first and last look at each lake, and of what happened to it."""
    seen = rows[rows.geometry.notna() | (rows[C.STATUS] == Status.ABSENT)]
    ends = [seen.drop_duplicates("lake", keep=end) for end in ("first", "last")]
    found = {
        (lake, scene)
        for end in ends
        for lake, scene in zip(end["lake"].tolist(), end["scene"].tolist(), strict=True)
    }
    happened = {(lake, event["days"]) for event in data["events"] for lake in event["lakes"]}
    happened |= {(one["lake"], one["days"]) for one in (*data["alerts"], *data["reviews"])}
    days = data["time"]
    of_scene = [days[day] for day in data["scenes"]["day"]]
    return found | {
        (lake, scene)
        for lake, scene in zip(rows["lake"].tolist(), rows["scene"].tolist(), strict=True)
        if (lake, of_scene[scene]) in happened
    }


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


def _page(data: dict[str, Any], language: str, title: str | None, has_folder: bool) -> str:
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
            has_folder=has_folder,
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
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _source(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
