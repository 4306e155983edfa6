"""The sample data of the package: one site, nine dates over twenty years, five satellites."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from glacial_lakes.errors import OutputError
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.series import RESULTS, Series, product_name, simulate_series
from glacial_lakes.simulate.site import make_site

SEED = 7


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SCHEDULE: tuple[Acquisition, ...] = (
    Acquisition(_utc("2003-08-17T05:13:20"), "LT05", haze=0.004),
    Acquisition(_utc("2006-08-17T05:29:48"), "LE07", snow_line_m=4160),
    Acquisition(
        _utc("2009-07-24T05:24:10"),
        "LT05",
        cloud_fraction=0.07,
        cloud_over=(2, 6, 13, 19),
        snow_line_m=4020,
    ),
    Acquisition(_utc("2013-09-03T05:33:51"), "LC08", snow_line_m=4150),
    Acquisition(
        _utc("2016-10-29T05:32:11"),
        "LC08",
        snow_line_m=4100,
        fresh_snow_line_m=3900,
        cirrus=0.02,
    ),
    Acquisition(
        _utc("2018-08-12T05:56:41"),
        "S2A",
        baseline="02.08",
        cloud_fraction=0.08,
        cloud_over=(0, 8, 11, 16, 22),
    ),
    Acquisition(
        _utc("2019-06-13T05:56:51"),
        "S2B",
        baseline="02.12",
        snow_line_m=3720,
        ice_line_m=3480,
    ),
    Acquisition(_utc("2022-08-16T05:56:49"), "S2B", baseline="04.00", haze=0.006),
    Acquisition(
        _utc("2023-09-05T05:56:51"),
        "S2A",
        baseline="05.09",
        cloud_fraction=0.03,
        cloud_over=(4, 17),
        cirrus=0.015,
    ),
)
"""The dates of the sample data."""

PROJECT = """\
# The sample project: `glacial-lakes run project.toml` maps it.
[project]
name = "Ala-Archa (simulated)"
output = "output"

[inputs]
scenes = ["scenes/*"]
dem = "dem.tif"
glaciers = "glaciers.gpkg"
"""

README = """\
# Sample data

A simulated mountain area of 9 x 9 km in the style of the Kyrgyz Range near Ala-Archa
(EPSG:32643), on nine dates from 2003 to 2023. No satellite has ever seen it: relief, glaciers
and lakes are made from a seed. What is assumed, and from which source, is told in
`docs/simulator.md`.

| file | what |
|---|---|
| `scenes/` | nine products in their true layout: Landsat 5, 7 (with gaps), 8; Sentinel-2A, 2B |
| `dem.tif` | elevation, 30 m, with the errors of a satellite DEM |
| `glaciers.gpkg` | glacier outlines of 2003; the ice has retreated since |
| `truth.gpkg` | a layer per date: the true lakes, with area and what could be seen of each |
| `truth_events.csv` | what happened to the lakes, and when |
| `project.toml` | a project file for `glacial-lakes run` |

Made byte for byte by `python -m glacial_lakes.simulate sample_data` (same versions of the
libraries). Bands that mapping does not use are left out of the products.
"""


def write_sample_data(folder: Path) -> Series:
    """Write the sample data into a new folder, or in place of those of an earlier run.

    Whatever else the folder holds stays as it is.

    Raises
    ------
    OutputError
        When the folder holds other work: its ``README.md`` is not that of the sample data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not _is_sample(folder):
        raise OutputError(folder, "holds files of other work", "name a new folder")
    for name in RESULTS:
        (folder / name).unlink(missing_ok=True)
    for acquisition in SCHEDULE:
        product = folder / "scenes" / product_name(acquisition)
        if product.is_dir():
            shutil.rmtree(product)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8", newline="\n")
    (folder / "README.md").write_text(README, encoding="utf-8", newline="\n")
    return simulate_series(make_site(SEED), SCHEDULE, folder)


def _is_sample(folder: Path) -> bool:
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text.startswith(README.partition(" in the style")[0])
