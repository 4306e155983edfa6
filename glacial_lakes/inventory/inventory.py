"""The inventory: lakes with identity and history, in memory and as one GeoPackage."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from glacial_lakes import change, schema
from glacial_lakes.columns import C
from glacial_lakes.errors import (
    N_,
    ConfigError,
    InputError,
    UnsafeInputError,
    VectorError,
    require,
    require_path,
)
from glacial_lakes.inventory import attributes, decisions
from glacial_lakes.inventory.error_parts import with_parts
from glacial_lakes.inventory.fast_changes import with_fast_changes
from glacial_lakes.inventory.map_rules import RULES
from glacial_lakes.inventory.names import LakeNames
from glacial_lakes.inventory.netcdf import write_areas
from glacial_lakes.inventory.register import registered
from glacial_lakes.inventory.total import Total, total_of
from glacial_lakes.io.geopackage import layer_names, read_layers, require_ending, write_layers
from glacial_lakes.io.parsing import json_of
from glacial_lakes.io.qgis_style import lake_label, layer_style
from glacial_lakes.io.shapefile import write_shapefile
from glacial_lakes.language import languages
from glacial_lakes.runtime.notebooks import ShowsFacts
from glacial_lakes.scenes import sensors
from glacial_lakes.schema import AlertKind, Decision, LakeState, LakeType, Status
from glacial_lakes.settings import ProjectInfo, TrackingSettings
from glacial_lakes.tracking.tables import Tracked

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
    "register": schema.REGISTER,
    "curves": schema.CURVES,
}
"""The layers of an inventory file and their columns."""
NEEDED = [name for name in LAYERS if name not in ("register", "curves")]
"""Layers that inventories of every version have."""

DERIVED = {"trends": schema.TRENDS, "alerts": schema.ALERTS, "storage": schema.STORAGE}
"""Layers that follow from the others: written for readers, made anew when the file is read."""

ALL_LAYERS = LAYERS | DERIVED
"""All layers of the file."""

KEYS = {
    "lakes": (C.LAKE_ID,),
    "outlines": (C.LAKE_ID, C.ACQUIRED, C.SCENE_ID),
    "observations": (C.LAKE_ID, C.SCENE_ID),
    "events": (C.LAKE_ID, C.EVENT, C.DATE),
    "reviews": (C.REVIEW_ID,),
    "scenes": (C.SCENE_ID,),
    "runs": (C.RUN_ID,),
    "register": (C.LAKE_ID, C.CATALOGUE_NO),
    "curves": (C.LAKE_ID, C.AREA_M2),
    "trends": (C.LAKE_ID,),
    "storage": (C.LAKE_ID,),
    "alerts": (C.LAKE_ID, C.ALERT, C.DATE),
}
"""What tells the rows of each layer."""

STATUS_COLOURS: Mapping[str, str] = {
    Status.OBSERVED: "0,114,178",
    Status.CLOUD: "127,138,146",
    Status.SHADOW: "86,86,86",
    Status.NODATA: "190,190,190",
    Status.FROZEN: "86,180,233",
    Status.UNCERTAIN: "230,159,0",
}
"""Outlines on a map by status, in colours that colour-blind readers can tell apart."""

STATE_COLOURS: Mapping[str, str] = {
    LakeState.PRESENT: "0,114,178",
    LakeState.GONE: "213,94,0",
    LakeState.MERGED: "127,138,146",
    LakeState.UNCONFIRMED: "230,159,0",
}
"""Lakes on a map by state."""

DECISION_COLOURS: Mapping[str, str] = {
    Decision.ACCEPTED: "0,158,115",
    Decision.REDRAWN: "230,159,0",
    Decision.ADDED: "86,180,233",
    Decision.SPLIT: "0,114,178",
    Decision.MERGED: "86,86,86",
    Decision.REJECTED: "213,94,0",
    Decision.RECLASSIFIED: "204,121,167",
    Decision.COMMENTED: "127,138,146",
    Decision.WITHDRAWN: "190,190,190",
}
"""Decisions of persons on a map."""

ALERT_COLOURS: Mapping[str, str] = {kind: kind.colour for kind in AlertKind}
"""Lakes with alerts on a map by kind."""

COLOURED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "outlines": (C.STATUS, STATUS_COLOURS),
    "reviews": (C.DECISION, DECISION_COLOURS),
    "alerts": (C.ALERT, ALERT_COLOURS),
}
"""What layers are coloured by on a map, and the colours."""


@dataclass(frozen=True, eq=False, repr=False)
class Inventory(ShowsFacts):
    """Lakes through time. Every table has the columns that :mod:`glacial_lakes.schema` names.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> inventory.lakes["lake_id"].is_unique
    True
    >>> inventory.observations.loc[:, ["lake_id", "acquired", "status", "area_m2"]].shape[1]
    4
    """

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
    register: pd.DataFrame = field(
        default_factory=lambda: schema.conform(pd.DataFrame(), schema.REGISTER)
    )
    """:data:`~glacial_lakes.schema.REGISTER`: numbers that lakes keep, the partner's catalogue."""
    curves: pd.DataFrame = field(
        default_factory=lambda: schema.conform(pd.DataFrame(), schema.CURVES)
    )
    """:data:`~glacial_lakes.schema.CURVES`: bathymetries and rating curves of lakes."""

    @property
    def language(self) -> str:
        """The language of the project that made it: its legends and reports are in it."""
        try:
            code = json_of(self.runs[C.SETTINGS].iloc[-1])["project"]["language"]
        except (LookupError, TypeError, ValueError):  # older outlines have no project
            return "en"
        return code if code in languages() else "en"

    @property
    def tracking(self) -> TrackingSettings:
        """The settings of the run that made it; the usual ones where it does not tell them."""
        try:
            settings = json_of(self.runs[C.SETTINGS].iloc[-1])["tracking"]
            return TrackingSettings(**settings)
        except (LookupError, TypeError, ValueError, ConfigError):  # older outlines have no project
            return TrackingSettings()

    @property
    def name(self) -> str | None:
        """What the project that made it is called: the title of its reports."""
        try:
            name = json_of(self.runs[C.SETTINGS].iloc[-1])["project"]["name"]
        except (LookupError, TypeError, ValueError):
            return None
        return name if isinstance(name, str) and name != ProjectInfo().name else None

    @property
    def decided_by(self) -> str | None:
        """Who decides where corrections name nobody, as the project that made it says."""
        try:
            who = json_of(self.runs[C.SETTINGS].iloc[-1])["project"]["by"]
        except (LookupError, TypeError, ValueError):
            return None
        return who if isinstance(who, str) else None

    def to_file(self, path: Path | str, language: str | None = None) -> None:
        """Write the inventory as one GeoPackage that opens styled in QGIS.

        Equal inventories give equal bytes; an older file is replaced only when the new one is
        whole.

        Parameters
        ----------
        path : path-like
            The ``.gpkg`` file.
        language : str, optional
            Language of legends, names of fields and lists of values; by default :attr:`language`.

        Raises
        ------
        ConfigError
            When the file has another ending.
        OutputError
            When it cannot be written.
        """
        require_ending(path)
        styles = {
            name: layer_style(
                columns,
                language or self.language,
                coloured=colouring and colouring[0],
                colours=colouring and colouring[1],
                rules=RULES.get(name, ()),
                label=lake_label() if name in ("lakes", "outlines") else None,
            )
            for name, columns in ALL_LAYERS.items()
            for colouring in (COLOURED.get(name),)
        }
        tables = {name: getattr(self, name) for name in (*LAYERS, *DERIVED)}
        tables["trends"] = self._placed(self.trends)  # changes are seen on a map
        write_layers(path, tables, styles)

    def only_own(self) -> Inventory:
        """Return the inventory without columns that the schema does not name."""
        tables = {}
        for name, columns in LAYERS.items():
            table = getattr(self, name)
            names = {column.name for column in columns} | {"geometry"}
            tables[name] = table[[column for column in table.columns if column in names]]
        return replace(self, **tables)

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
        require(path, (str, os.PathLike), "path", N_("give the path of an inventory"))
        layers = read_layers(path)
        missing = [name for name in NEEDED if name not in layers]
        if len(missing) < len(NEEDED):
            refuse_renamed_layers(path, layers)
        if missing:
            raise VectorError(
                path, "has no layer {missing}", "name the inventory.gpkg of a run", missing=missing
            )
        layers.setdefault("register", pd.DataFrame())  # written before 0.2
        layers.setdefault("curves", pd.DataFrame())  # written before 0.3
        tables = {name: as_layer(layers[name], name) for name in LAYERS}
        if C.PIXEL_M not in layers["outlines"]:  # written before 0.2
            sensor = tables["outlines"][C.SENSOR]
            tables["outlines"][C.PIXEL_M] = sensors.pixel_m(sensor)
        if C.AREA_SIGMA_DATE_M2 not in layers["observations"]:  # written before 0.3
            names = ("lakes", "outlines", "observations", "events")
            tables |= vars(with_parts(Tracked(*(tables[name] for name in names))))
        return cls(**tables)

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
        require_path(path)
        if date is None:
            return write_shapefile(self.latest_with_trends(), path, schema.LATEST)
        day = pd.Timestamp(date).strftime("%Y-%m-%d")
        days = set(self.scenes[C.ACQUIRED].dropna().dt.strftime("%Y-%m-%d"))
        if day not in days:
            raise InputError(
                None,
                "the inventory has no scene of {day}",
                "choose from {days}",
                day=day,
                days=sorted(days),
            )
        rows = self.outlines[self.outlines[C.ACQUIRED].dt.strftime("%Y-%m-%d") == day]
        return write_shapefile(rows, path, schema.OUTLINES)

    def to_netcdf(self, path: Path | str) -> Path:
        """Write the areas of all lakes through time as CF netCDF, a time series a lake.

        Parameters
        ----------
        path : path-like
            The ``.nc`` file; an old one is replaced. It has ``area_m2``, its errors and bounds,
            ``area_status``, scene and sensor of each date; equal inventories give equal bytes.

        Raises
        ------
        OutputError
            When it cannot be written.
        """
        return write_areas(self.observations, self.lakes, path)

    def latest(self) -> gpd.GeoDataFrame:
        """Return the latest whole outline of each lake that is present, by lake ID.

        Where a person drew one, it is the person's; see
        :func:`glacial_lakes.inventory.decisions.reference`.
        """
        present = self.lakes.loc[self.lakes[C.STATE] == LakeState.PRESENT, C.LAKE_ID]
        whole = self.outlines[
            (self.outlines[C.STATUS] == Status.OBSERVED) & self.outlines[C.LAKE_ID].isin(present)
        ]
        return decisions.reference(whole).reset_index()[list(self.outlines.columns)]

    def latest_with_trends(self) -> gpd.GeoDataFrame:
        """Return :meth:`latest` with what is told of each lake and of its trend.

        Returns
        -------
        geopandas.GeoDataFrame
            :data:`~glacial_lakes.schema.LATEST`, by lake ID; what a lake has no trend for is
            missing.
        """
        table = self.latest()
        for source, columns in ((self.lakes, schema.OF_LAKE), (self.trends, schema.OF_TREND)):
            facts = schema.conform(source, columns).set_index(C.LAKE_ID)
            facts = facts[[column.name for column in columns]].reindex(table[C.LAKE_ID])
            table = table.assign(**{str(name): facts[name].array for name in facts})
        return gpd.GeoDataFrame(schema.conform(table, schema.LATEST), crs=table.crs)

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
        tracked = with_parts(decisions.redraw(tracked, table, self.scenes))
        tracked = with_fast_changes(tracked, self.tracking)
        tracked = decisions.describe(tracked, table)
        lakes = attributes.screened(
            tracked.lakes, tracked.lakes[C.LAKE_ID].isin(reviews[C.LAKE_ID]), self.curves
        )
        tracked = replace(tracked, lakes=as_layer(lakes, "lakes"))
        register, tracked = registered(self.register, tracked, table)
        changed = {"reviews": as_layer(table, "reviews"), "register": register}
        return replace(self, **changed, **vars(tracked))

    @cached_property
    def trends(self) -> pd.DataFrame:
        """:data:`~glacial_lakes.schema.TRENDS`, one row a lake; unconfirmed lakes are left out."""
        sure = self.lakes.loc[self.lakes[C.STATE] != LakeState.UNCONFIRMED, C.LAKE_ID]
        rows = self.observations[self.observations[C.LAKE_ID].isin(sure)]
        return change.trends(rows, self.events)

    @cached_property
    def storage(self) -> pd.DataFrame:
        """:data:`~glacial_lakes.schema.STORAGE`, one row a lake with a volume."""
        sure = self.lakes.loc[self.lakes[C.STATE] != LakeState.UNCONFIRMED, C.LAKE_ID]
        rows = self.observations[self.observations[C.LAKE_ID].isin(sure)]
        return change.storage(rows, self.curves, self.shallow)

    @property
    def shallow(self) -> set[str]:
        """Lakes on glaciers, of whose depth the area says nothing."""
        on_ice = self.lakes[C.LAKE_TYPE] == LakeType.SUPRAGLACIAL
        return set(self.lakes.loc[on_ice, C.LAKE_ID])

    @cached_property
    def alerts(self) -> gpd.GeoDataFrame:
        """:data:`~glacial_lakes.schema.ALERTS`, one row a reason to look, EPSG:4326."""
        rows = change.alerts(self.observations, self.events, self.outlines, self.lakes)
        return self._placed(rows)

    def _placed(self, rows: pd.DataFrame) -> gpd.GeoDataFrame:
        """Return rows of lakes with the outlines of these."""
        places = self.lakes.set_index(C.LAKE_ID).geometry.reindex(rows[C.LAKE_ID])
        return gpd.GeoDataFrame(rows, geometry=places.to_numpy(), crs=self.lakes.crs)

    @cached_property
    def totals(self) -> pd.DataFrame:
        """:data:`~glacial_lakes.schema.TOTALS`, one row a date, for all lakes and each basin."""
        rows = self.observations  # of scenes that are away only lakes that persons touched are told
        rows = rows[rows[C.SCENE_ID].isin(self.scenes[C.SCENE_ID])]
        return change.totals(change.by_date(rows, self.scenes), self.lakes)

    @cached_property
    def total(self) -> Total:
        """Sum of the latest areas of the lakes that are present, and a total of one date beside.

        With the error that includes what the errors of lakes have in common, how much of it is of
        older dates, and what is counted twice.
        """
        return total_of(self)

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
            :data:`~glacial_lakes.schema.OUTLINES`, by lake ID; unconfirmed lakes are left out.

        Raises
        ------
        InputError
            When no image lies in that time.
        """
        best = self.best_observations(years, months)
        chosen = best.loc[best[C.STATUS] == Status.OBSERVED, [C.LAKE_ID, C.SCENE_ID]]
        rows: gpd.GeoDataFrame = self.outlines.merge(chosen, on=[C.LAKE_ID, C.SCENE_ID])
        rows = rows[rows[C.STATUS] == Status.OBSERVED].sort_values([C.LAKE_ID, C.ACQUIRED])
        return rows.drop_duplicates(C.LAKE_ID, ignore_index=True)

    def best_observations(self, years: tuple[int, int], months: Sequence[int]) -> pd.DataFrame:
        """Return the observations behind :meth:`composite`, also of lakes that are not in it."""
        sure = self.lakes.loc[self.lakes[C.STATE] != LakeState.UNCONFIRMED, C.LAKE_ID]
        rows = self.observations[self.observations[C.LAKE_ID].isin(sure)]
        return change.best_observations(rows, self.outlines, self.scenes, years, months)

    def ids_of(self, names: Sequence[str]) -> list[str]:
        """Return the IDs of lakes by what people call them, in the order in which they were named.

        Parameters
        ----------
        names : sequence of str
            Each an ID, a number in reports, a number in the catalogue or a name of a lake, as
            :func:`glacial_lakes.inventory.names.bare` reads it.

        Raises
        ------
        InputError
            When there is no such lake, or there are several.
        """
        known = LakeNames(self.lakes)
        found: dict[str, None] = {}
        for name in map(str, names):
            ids = known.ids(name)
            if not ids:
                raise InputError(
                    None,
                    "the inventory has no lake {lake}",
                    "name it by its ID, its number or its name",
                    lake=name,
                )
            if len(ids) > 1:
                raise InputError(
                    None,
                    "{lake} stands for several lakes",
                    "name one of {names}",
                    lake=name,
                    names=known.described(ids),
                )
            found[ids[0]] = None
        return list(found)

    def observations_of(self, lake_id: str) -> pd.DataFrame:
        """Return the observations of one lake in the order of time.

        Raises
        ------
        InputError
            When there is no such lake.
        """
        rows = self.observations[self.observations[C.LAKE_ID] == lake_id]
        if rows.empty:
            raise InputError(
                None,
                "the inventory has no lake {lake}",
                "choose from the column {column} of its lakes",
                lake=lake_id,
                column=schema.LAKE_ID.mention(),
            )
        return rows.sort_values([C.ACQUIRED, C.SCENE_ID], ignore_index=True)

    def plot(self, lake_id: str, ax: Axes | None = None) -> Axes:
        """Draw the area of one lake through time, as :func:`.plots.plot_area` does."""
        from glacial_lakes.inventory import plots  # noqa: PLC0415 (matplotlib takes half a second)

        return plots.plot_area(self.observations_of(lake_id), ax, events=self.events)

    def plot_overview(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw where the lakes are, as :func:`.plots.plot_lakes` does."""
        from glacial_lakes.inventory import plots  # noqa: PLC0415

        return plots.plot_lakes(self.lakes, ax, **options)

    def plot_changes(self, ax: Axes | None = None) -> Axes:
        """Draw how much each lake changed, with errors, as :func:`.plots.plot_changes` does."""
        from glacial_lakes.inventory import plots  # noqa: PLC0415

        return plots.plot_changes(self.observations, ax, self.language)

    def plot_sizes(self, ax: Axes | None = None) -> Axes:
        """Draw the number of lakes by size, with errors, as :func:`.plots.plot_sizes` does."""
        from glacial_lakes.inventory import plots  # noqa: PLC0415

        return plots.plot_sizes(self.lakes, ax, self.language)

    def explore(self, **options: Any) -> Any:
        """Show the inventory in a notebook as the page ``viewer.html``, without any network.

        Parameters
        ----------
        **options
            Those of :func:`glacial_lakes.report.explore`: ``height``, ``language``, ``title``,
            ``glaciers``, ``dem``, ``looks``, ``rivers``.

        Examples
        --------
        >>> import glacial_lakes as gl
        >>> inventory = gl.open_inventory("inventory.gpkg")
        >>> inventory.explore(dem="sample_data/dem.tif")
        <Viewer: ...; shown by a notebook>
        """
        import glacial_lakes as gl  # noqa: PLC0415 (pages stand above; the package knows both)

        return gl.report.explore(self, **{"language": self.language} | options)

    def __repr__(self) -> str:
        facts = "; ".join(f"{name} {text}" for name, text in self._facts().items())
        return f"<Inventory: {facts}>"

    def _facts(self) -> dict[str, str]:
        states = self.lakes[C.STATE].value_counts()
        times = self.observations[C.ACQUIRED].dropna()
        area = self.latest()[C.AREA_M2].sum() / 1e6
        events = self.events[C.EVENT].value_counts()
        return {
            "lakes": ", ".join(f"{states[name]} {name}" for name in sorted(states.index)) or "none",
            "area": f"{area:.3f} km² (latest outlines of present lakes)",
            "scenes": str(self.observations[C.SCENE_ID].nunique()),
            "period": f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}" if len(times) else "none",
            "events": ", ".join(f"{events[name]} {name}" for name in sorted(events.index))
            or "none",
            "alerts": _counts(self.alerts[C.ALERT]),
        }


def open_inventory(path: Path | str) -> Inventory:
    """Read an inventory file; see :meth:`Inventory.from_file`.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> len(gl.open_inventory("inventory.gpkg").lakes) > 0
    True
    """
    return Inventory.from_file(path)


def refuse_renamed_layers(path: Path | str, there: Collection[str]) -> None:
    """Refuse a copy of an inventory in which another name stands for one of its layers.

    What was written there would not be seen, and "nothing was changed" would be untrue.

    Parameters
    ----------
    path : path-like
        The file, which has layers of an inventory.
    there : collection of str
        Names of all its layers and tables.

    Raises
    ------
    VectorError
        Naming those that are missing, and those that are no layers of an inventory.
    """
    lacking = [name for name in NEEDED if name not in there]
    strange = [name for name in there if name not in ALL_LAYERS]
    if lacking and strange:
        raise VectorError(
            path,
            "has no layer {lacking}, but {strange}",
            "give a layer that was renamed its old name, or edit a new copy",
            lacking=lacking,
            strange=strange,
        )


def is_inventory(path: Path) -> bool:
    """Tell whether a file has the layers of an inventory, whatever else it has.

    Raises
    ------
    LockedError
        When another program holds it.
    """
    try:
        return set(NEEDED) <= set(layer_names(path))
    except (InputError, UnsafeInputError):
        return False


def empty_layer(layer: str) -> Any:
    """Return a layer of an inventory without rows."""
    return as_layer(pd.DataFrame(index=pd.RangeIndex(0)), layer)


def as_layer(table: pd.DataFrame, layer: str) -> Any:
    """Return the table as the schema wants it: a GeoDataFrame where it has geometry."""
    table = schema.conform(table, LAYERS[layer])
    if layer == "reviews" and "geometry" not in table:  # written by an older version: empty
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([None] * len(table), crs=4326))
    return table


def _counts(values: pd.Series) -> str:
    counts = values.value_counts().sort_index()
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
