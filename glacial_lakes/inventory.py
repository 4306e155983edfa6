"""The inventory: lakes with identity and history, in memory and as one GeoPackage."""

from __future__ import annotations

import datetime
import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

import glacial_lakes
from glacial_lakes import attributes, change, decisions, schema
from glacial_lakes.errors import InputError, VectorError
from glacial_lakes.settings import TrackingSettings
from glacial_lakes.tracking import Tracked, track_lakes
from glacial_lakes.vectors import (
    categorized_style,
    read_layers,
    read_vector,
    write_layers,
    write_shapefile,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LAYERS = {
    "lakes": schema.LAKES,
    "outlines": schema.OUTLINES,
    "observations": schema.OBSERVATIONS,
    "events": schema.LAKE_EVENTS,
    "reviews": schema.REVIEWS,
    "scenes": schema.SCENES,
    "runs": schema.RUNS,
}
"""The layers of an inventory file and their columns."""
DERIVED = {"trends": schema.TRENDS, "alerts": schema.ALERTS}
"""Layers that follow from the others: written for readers, made anew when the file is read."""

STATUS_COLOURS = {
    "observed": "0,114,178",
    "cloud": "127,138,146",
    "shadow": "86,86,86",
    "nodata": "190,190,190",
    "frozen": "86,180,233",
    "uncertain": "230,159,0",
}
"""Outlines on a map by status, in colours that colour-blind readers can tell apart."""
STATE_COLOURS = {"present": "0,114,178", "gone": "213,94,0", "doubtful": "230,159,0"}
"""Lakes on a map by state."""
DECISION_COLOURS = {
    "accepted": "0,158,115",
    "redrawn": "230,159,0",
    "added": "86,180,233",
    "split": "0,114,178",
    "merged": "86,86,86",
    "rejected": "213,94,0",
    "reclassified": "204,121,167",
    "commented": "127,138,146",
    "withdrawn": "190,190,190",
}
"""Decisions of persons on a map."""
ALERT_COLOURS = {
    "sudden_drainage": "213,94,0",
    "sudden_growth": "0,114,178",
    "new_near_glacier": "0,158,115",
    "contact_gained": "86,180,233",
    "contact_lost": "204,121,167",
}
"""Lakes with alerts on a map by kind."""


@dataclass(frozen=True, eq=False, repr=False)
class Inventory:
    """Lakes through time. Every table has the columns that :mod:`glacial_lakes.schema` names."""

    lakes: gpd.GeoDataFrame
    """:data:`~glacial_lakes.schema.LAKES`, one row a lake, EPSG:4326."""
    outlines: gpd.GeoDataFrame
    """:data:`~glacial_lakes.schema.OUTLINES`, one row a lake and date with an outline."""
    observations: pd.DataFrame
    """:data:`~glacial_lakes.schema.OBSERVATIONS`, one row a lake and scene."""
    events: pd.DataFrame
    """:data:`~glacial_lakes.schema.LAKE_EVENTS`."""
    reviews: gpd.GeoDataFrame
    """:data:`~glacial_lakes.schema.REVIEWS`: what persons decided, EPSG:4326."""
    scenes: pd.DataFrame
    """:data:`~glacial_lakes.schema.SCENES`."""
    runs: pd.DataFrame
    """:data:`~glacial_lakes.schema.RUNS`: parameters, versions and inputs."""

    def to_file(self, path: Path | str) -> None:
        """Write the inventory as one GeoPackage that opens styled in QGIS.

        Equal inventories give equal bytes; an older file is replaced only when the new one is
        whole.

        Parameters
        ----------
        path : path-like
            The ``.gpkg`` file.

        Raises
        ------
        OutputError
            When it cannot be written.
        """
        styles = {
            "lakes": categorized_style("state", STATE_COLOURS),
            "outlines": categorized_style("status", STATUS_COLOURS),
            "reviews": categorized_style("decision", DECISION_COLOURS),
            "alerts": categorized_style("alert", ALERT_COLOURS),
        }
        write_layers(path, {name: getattr(self, name) for name in (*LAYERS, *DERIVED)}, styles)

    @classmethod
    def from_file(cls, path: Path | str) -> Inventory:
        """Read an inventory.

        Parameters
        ----------
        path : path-like
            A GeoPackage that :meth:`to_file` wrote, or an edited copy of it.

        Raises
        ------
        VectorError
            When it is no inventory.
        """
        layers = read_layers(path)
        missing = [name for name in LAYERS if name not in layers]
        if missing:
            raise VectorError(
                path, f"has no layer {', '.join(missing)}", "name the inventory.gpkg of a run"
            )
        return cls(**{name: _table(layers[name], name) for name in LAYERS})

    def to_shapefile(self, path: Path | str, date: datetime.date | str | None = None) -> list[Path]:
        """Write outlines as a shapefile with the field names of the region's inventories.

        Parameters
        ----------
        path : path-like
            The ``.shp`` file; a dictionary of its fields is put beside it.
        date : date or str, optional
            Day whose outlines are written, UTC; by default the latest whole outline of each lake
            that is present.

        Returns
        -------
        list of pathlib.Path
            The files written.

        Raises
        ------
        InputError
            When there is no scene of that day.
        OutputError
            When they cannot be written.
        """
        if date is None:
            return write_shapefile(self.latest(), path, schema.OUTLINES)
        day = pd.Timestamp(date).strftime("%Y-%m-%d")
        days = set(self.scenes["acquired"].dropna().dt.strftime("%Y-%m-%d"))
        if day not in days:
            raise InputError(
                None,
                f"the inventory has no scene of {day}",
                f"choose from {', '.join(sorted(days))}",
            )
        rows = self.outlines[self.outlines["acquired"].dt.strftime("%Y-%m-%d") == day]
        return write_shapefile(rows, path, schema.OUTLINES)

    def latest(self) -> gpd.GeoDataFrame:
        """Return the latest whole outline of each lake that is present, by lake ID.

        Where a person drew one, it is the person's; see
        :func:`glacial_lakes.decisions.reference`.
        """
        present = self.lakes.loc[self.lakes["state"] == "present", "lake_id"]
        whole = self.outlines[
            (self.outlines["status"] == "observed") & self.outlines["lake_id"].isin(present)
        ]
        return decisions.reference(whole).reset_index()[list(self.outlines.columns)]

    def with_reviews(self, reviews: gpd.GeoDataFrame) -> Inventory:
        """Return the inventory with further decisions of persons, and all that follows from them.

        Parameters
        ----------
        reviews : geopandas.GeoDataFrame
            New rows of :data:`~glacial_lakes.schema.REVIEWS`.
        """
        rows = [table for table in (self.reviews, reviews) if len(table)] or [reviews]
        table = gpd.GeoDataFrame(pd.concat(rows, ignore_index=True), crs=4326)
        tracked = Tracked(self.lakes, self.outlines, self.observations, self.events)
        tracked = decisions.redraw(tracked, table, self.scenes)
        tracked = decisions.describe(tracked, table)
        lakes = attributes.screened(
            tracked.lakes, tracked.lakes["lake_id"].isin(reviews["lake_id"])
        )
        tracked = replace(tracked, lakes=_table(lakes, "lakes"))
        return replace(self, reviews=_table(table, "reviews"), **vars(tracked))

    @cached_property
    def trends(self) -> pd.DataFrame:
        """:data:`~glacial_lakes.schema.TRENDS`, one row a lake; doubtful lakes are left out."""
        sure = self.lakes.loc[self.lakes["state"] != "doubtful", "lake_id"]
        rows = self.observations[self.observations["lake_id"].isin(sure)]
        return change.trends(rows, self.events)

    @cached_property
    def alerts(self) -> gpd.GeoDataFrame:
        """:data:`~glacial_lakes.schema.ALERTS`, one row a reason to look, EPSG:4326."""
        rows = change.alerts(self.observations, self.events, self.outlines, self.lakes)
        places = self.lakes.set_index("lake_id").geometry.reindex(rows["lake_id"])
        return gpd.GeoDataFrame(rows, geometry=places.to_numpy(), crs=self.lakes.crs)

    @cached_property
    def totals(self) -> pd.DataFrame:
        """:data:`~glacial_lakes.schema.TOTALS`, one row a date, for all lakes and each basin."""
        return change.totals(change.by_date(self.observations, self.scenes), self.lakes)

    def composite(
        self, years: tuple[int, int], months: Sequence[int] = tuple(range(1, 13))
    ) -> gpd.GeoDataFrame:
        """Return the best outline of each lake in the season of some years.

        This is how inventories are published: "2020" is the best image of July to October 2019
        to 2021. Each outline keeps its own date and scene. What is best is told in
        :func:`glacial_lakes.change.composites.best_observations`.

        Parameters
        ----------
        years : tuple of int
            First and last year.
        months : sequence of int
            Months of the year, 1 to 12; by default all.

        Returns
        -------
        geopandas.GeoDataFrame
            :data:`~glacial_lakes.schema.OUTLINES`, by lake ID; doubtful lakes are left out.

        Raises
        ------
        InputError
            When no image lies in that time.
        """
        best = self.best_observations(years, months)
        chosen = best.loc[best["status"] == "observed", ["lake_id", "scene_id"]]
        rows: gpd.GeoDataFrame = self.outlines.merge(chosen, on=["lake_id", "scene_id"])
        rows = rows[rows["status"] == "observed"].sort_values(["lake_id", "acquired"])
        return rows.drop_duplicates("lake_id", ignore_index=True)

    def best_observations(self, years: tuple[int, int], months: Sequence[int]) -> pd.DataFrame:
        """Return the observations behind :meth:`composite`, also of lakes that are not in it."""
        sure = self.lakes.loc[self.lakes["state"] != "doubtful", "lake_id"]
        rows = self.observations[self.observations["lake_id"].isin(sure)]
        return change.best_observations(rows, self.outlines, self.scenes, years, months)

    def observations_of(self, lake_id: str) -> pd.DataFrame:
        """Return the observations of one lake in the order of time.

        Raises
        ------
        KeyError
            When there is no such lake.
        """
        rows = self.observations[self.observations["lake_id"] == lake_id]
        if rows.empty:
            raise KeyError(f"the inventory has no lake {lake_id!r}")
        return rows.sort_values(["acquired", "scene_id"], ignore_index=True)

    def plot(self, lake_id: str, ax: Axes | None = None) -> Axes:
        """Draw the area of one lake through time; see :func:`glacial_lakes.plots.plot_area`."""
        from glacial_lakes import plots  # noqa: PLC0415 (matplotlib takes half a second)

        return plots.plot_area(self.observations_of(lake_id), ax, events=self.events)

    def explore(self, **options: Any) -> Any:
        """Show the lakes on a web map; needs the extra ``notebook`` (folium).

        Parameters
        ----------
        **options
            Passed on to :meth:`geopandas.GeoDataFrame.explore`.
        """
        table = self.lakes.copy()
        for name in ("first_seen", "last_seen"):  # the map is JSON, which has no times
            table[name] = table[name].dt.strftime("%Y-%m-%d")
        return table.explore(column="state", **options)

    def __repr__(self) -> str:
        return (
            f"<Inventory: {'; '.join(f'{key} {value}' for key, value in self._summary().items())}>"
        )

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(key)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for key, value in self._summary().items()
        )
        return f"<table>{cells}</table>"

    def _summary(self) -> dict[str, str]:
        states = self.lakes["state"].value_counts()
        times = self.observations["acquired"].dropna()
        area = self.latest()["area_m2"].sum() / 1e6
        events = self.events["event"].value_counts()
        return {
            "lakes": ", ".join(f"{states[name]} {name}" for name in sorted(states.index)) or "none",
            "area": f"{area:.3f} km² (latest outlines of present lakes)",
            "scenes": str(self.observations["scene_id"].nunique()),
            "period": f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}" if len(times) else "none",
            "events": ", ".join(f"{events[name]} {name}" for name in sorted(events.index))
            or "none",
            "alerts": _counts(self.alerts["alert"]),
        }


def open_inventory(path: Path | str) -> Inventory:
    """Read an inventory file; see :meth:`Inventory.from_file`."""
    return Inventory.from_file(path)


def track(
    outlines: Iterable[gpd.GeoDataFrame],
    *,
    glaciers: Path | str | gpd.GeoDataFrame | None = None,
    dem: Path | str | None = None,
    basins: Path | str | gpd.GeoDataFrame | None = None,
    basin_field: str = "name",
    previous: Inventory | None = None,
    settings: TrackingSettings | None = None,
    min_area_m2: float | None = None,
    scenes: pd.DataFrame | None = None,
    run: Mapping[str, Any] | None = None,
) -> Inventory:
    """Make an inventory of the outlines of many scenes.

    Parameters
    ----------
    outlines : iterable of geopandas.GeoDataFrame
        One table a scene, as :func:`glacial_lakes.mapping.map_lakes` gives it:
        :data:`glacial_lakes.schema.MAPPED` columns, and the scene's coverage in
        ``attrs["coverage"]``. All scenes that the inventory shall hold, in any order.
    glaciers : path-like or GeoDataFrame, optional
        Glacier outlines. They give each lake its type
        (:func:`glacial_lakes.measures.relation_to_glaciers`), its contact, and nearest glacier
        and distance where mapping did not.
    dem : path-like, optional
        Elevation model for the catchment and relief indicators of the lakes
        (:func:`glacial_lakes.measures.relief_indicators`): a first-order screening.
    basins : path-like or GeoDataFrame, optional
        Polygons of basins or countries, for totals.
    basin_field : str
        Column of ``basins`` that holds their names.
    previous : Inventory, optional
        An earlier inventory: its lakes keep their IDs, its IDs are never given to others, and its
        reviews and runs are taken over.
    settings : TrackingSettings, optional
        Limits of the matching.
    min_area_m2 : float, optional
        Smallest lake that was mapped, when one was chosen.
    scenes : pandas.DataFrame, optional
        Table of scenes, :data:`glacial_lakes.schema.SCENES`; by default made of the coverages.
    run : mapping, optional
        Row to add to the table of runs, :data:`glacial_lakes.schema.RUNS`.

    Returns
    -------
    Inventory
        The same for any order of the outlines.

    Raises
    ------
    InputError
        When a table has no coverage or no CRS, or a scene is given twice.
    VectorError
        When glaciers or basins cannot be read, or the basins have no such column.
    UnknownProductError, GridError
        When the DEM cannot be read or has no CRS.
    """
    reviews = _empty("reviews") if previous is None else _table(previous.reviews, "reviews")
    known = None if previous is None else decisions.known_ground(previous.outlines, reviews)
    seen: list[dict[str, Any]] = []
    tracked = track_lakes(
        _without_rejected(outlines, reviews, seen),
        previous=known,
        taken=set(reviews["lake_id"].dropna()),
        settings=settings,
        min_area_m2=min_area_m2,
    )
    told = _table(_scenes(seen, scenes, reviews), "scenes")
    tracked = decisions.redraw(tracked, reviews, told)
    lakes, rows = (_table(getattr(tracked, name), name) for name in ("lakes", "outlines"))
    ice = read_vector(glaciers) if isinstance(glaciers, Path | str) else glaciers
    if ice is not None:
        lakes, rows = (attributes.near_glaciers(table, ice) for table in (lakes, rows))
    if dem is not None:
        lakes = attributes.on_relief(lakes, dem, ice)
        rows = attributes.as_lakes(rows, lakes)
    tracked = replace(tracked, lakes=lakes, outlines=rows)
    if basins is not None:
        named = tracked.lakes.assign(basin=_basins(tracked.lakes, basins, basin_field))
        tracked = replace(tracked, lakes=named)
    tracked = decisions.describe(tracked, reviews)
    rows = tracked.outlines
    earlier = _empty("runs") if previous is None else previous.runs
    added = [dict(run)] if run is not None else []
    return Inventory(
        lakes=_table(attributes.screened(tracked.lakes), "lakes"),
        outlines=_table(rows.assign(version=str(glacial_lakes.__version__)), "outlines"),
        observations=tracked.observations,
        events=tracked.events,
        reviews=reviews,
        scenes=told,
        runs=_table(pd.concat([earlier, pd.DataFrame(added)], ignore_index=True), "runs")
        if added
        else earlier,
    )


def _without_rejected(
    tables: Iterable[gpd.GeoDataFrame], reviews: gpd.GeoDataFrame, seen: list[dict[str, Any]]
) -> Iterator[gpd.GeoDataFrame]:
    """Yield the tables without the outlines at rejected places, and note what the scenes had.

    One table at a time: the outlines of all scenes need not be in memory twice.
    """
    is_any_rejected = len(decisions.rejected_lakes(reviews)) > 0
    for table in tables:
        kept, rejected = table, None
        if is_any_rejected:
            hit = decisions.left_out(table, reviews)
            kept, rejected = table[~hit], int(hit.sum())
            kept.attrs = table.attrs
        coverage = table.attrs.get("coverage")
        if coverage is not None:  # tracking refuses a table without one
            seen.append(
                {
                    "scene_id": coverage.scene_id,
                    "acquired": coverage.acquired,
                    "sensor": coverage.sensor,
                    "state": "mapped",
                    "n_outlines": len(table),
                    "n_rejected": rejected,
                }
            )
        yield kept


def _basins(
    lakes: gpd.GeoDataFrame, basins: Path | str | gpd.GeoDataFrame, field: str
) -> pd.Series:
    """Return the name of the basin in which a point inside each lake lies."""
    table = basins if isinstance(basins, gpd.GeoDataFrame) else read_vector(basins)
    path = basins if isinstance(basins, Path | str) else None
    if field not in table:
        known = ", ".join(str(name) for name in table.columns if name != table.geometry.name)
        raise VectorError(path, f"has no column {field}", f"it has: {known}")
    areas = table.geometry.to_crs(lakes.crs).make_valid().to_numpy()
    lake, basin = shapely.STRtree(areas).query(
        shapely.point_on_surface(lakes.geometry.to_numpy()), predicate="intersects"
    )
    found = table[field].iloc[basin].set_axis(lakes.index[lake]).dropna().map(str)
    names: pd.Series = found[~found.index.duplicated()].reindex(lakes.index)
    return names


def _scenes(
    seen: Sequence[Mapping[str, Any]], scenes: pd.DataFrame | None, reviews: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the table of scenes: that given, or one made of the coverages."""
    counts = {row["scene_id"]: row["n_rejected"] for row in seen}
    if scenes is None:
        table = pd.DataFrame(seen, columns=None if seen else ["scene_id", "acquired"])
        scenes = table.sort_values(["acquired", "scene_id"], ignore_index=True)
    if not len(decisions.rejected_lakes(reviews)):
        return scenes
    return scenes.assign(n_rejected=scenes["scene_id"].map(counts).astype("Int64"))


def _counts(values: pd.Series) -> str:
    counts = values.value_counts().sort_index()
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _empty(layer: str) -> Any:
    return _table(pd.DataFrame(index=pd.RangeIndex(0)), layer)


def _table(table: pd.DataFrame, layer: str) -> Any:
    """Return the table as the schema wants it: a GeoDataFrame where it has geometry."""
    table = schema.conform(table, LAYERS[layer])
    if layer == "reviews" and "geometry" not in table:  # written by an older version: empty
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([None] * len(table), crs=4326))
    return table
