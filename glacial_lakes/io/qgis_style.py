"""Styles with which QGIS opens the layers of a GeoPackage or a shapefile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import pandas as pd

from glacial_lakes.io.kinds import OWN_STYLE
from glacial_lakes.language import MISSING, translate
from glacial_lakes.schema import CATALOGUE_NO, LAKE_NAME, Column

FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Date stamp inside written files: equal content must give equal bytes on any day."""


_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
"""What QGIS writes in a list of values for an empty cell."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a polygon is drawn: a colour, and kinds of fill and outline as QGIS calls them."""

    colour: str
    """``"red,green,blue"``, 0 to 255; a solid fill is transparent."""
    fill: str = "solid"
    line: str = "solid"
    width_mm: float = 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """Features that are drawn with one symbol."""

    label: str
    """In English; the legend shows it in the language."""
    condition: str
    """Expression of QGIS; ``ELSE`` for what no other rule of the group takes."""
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules under one heading of the legend."""

    title: str
    rules: tuple[Rule, ...]
    condition: str = ""
    """What all of them need; empty for nothing."""


def layer_style(
    columns: Sequence[Column],
    language: str = "en",
    *,
    coloured: str | None = None,
    label: str | None = None,
    colours: Mapping[str, str] | None = None,
    rules: Sequence[RuleGroup] = (),
    is_shapefile: bool = False,
) -> str:
    """Return the QGIS style (QML) of a layer: names of its fields, lists of values, colours.

    In a form or table of attributes a column has a name that people read, and where only some
    values can stand there, they are chosen from a list in the language. What is stored stays the
    same in every language.

    Parameters
    ----------
    columns : sequence of schema.Column
        Columns of the layer.
    language : str
        Language of names, lists and legend; in English lists and legend show the values themselves.
    label : str, optional
        Expression of QGIS that tells what stands beside each polygon.
    coloured : str, optional
        Name of the column that polygons are coloured by; without it there is no legend.
    colours : mapping of str to str, optional
        Its values to colours as ``"red,green,blue"``, 0 to 255; the fill is transparent.
    rules : sequence of RuleGroup
        What polygons are drawn by instead; all groups add up.
    is_shapefile : bool
        Fields have their short names. A shapefile may tell booleans as numbers or letters, so
        that they have no list there.
    """
    fields = {
        (column.shapefile or "" if is_shapefile else column.name): column
        for column in columns
        if column.shapefile or not is_shapefile
    }
    lists = {
        name: found
        for name, column in fields.items()
        if (found := _value_list(column, language, is_shapefile))
    }
    legend = "" if coloured is None else _legend(coloured, colours or {}, language)
    if rules:
        legend = _ruled(rules, language)
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'{OWN_STYLE}|Labeling|Fields|Forms" labelsEnabled="{int(label is not None)}">{legend}'
        f"{'' if label is None else _labeling(label)}"
        f"<fieldConfiguration>{''.join(map(_widget, lists, lists.values()))}</fieldConfiguration>"
        f"<aliases>{_aliases(fields, language)}</aliases></qgis>"
    )


def _shown(value: str, language: str) -> str:
    return value if language == "en" else translate(value, language)


def _value_list(column: Column, language: str, is_shapefile: bool) -> dict[str, str]:
    """Return what can stand in a column, each value with what a person reads; empty for all."""
    if column.type == "boolean" and not is_shapefile:
        found = {
            "true": translate("yes", language, context="value"),
            "false": translate("no", language, context="value"),
        }
    elif column.words is not None:
        found = {str(value): _shown(value, language) for value in column.words}
    else:
        return {}
    return {_NULL: MISSING, **found}


def _widget(name: str, values: Mapping[str, str]) -> str:
    listed = "".join(
        f'<Option type="Map"><Option name={quoteattr(label)} type="QString" '
        f"value={quoteattr(value)}/></Option>"
        for value, label in values.items()
    )
    return (
        f'<field name={quoteattr(name)}><editWidget type="ValueMap"><config><Option type="Map">'
        f'<Option name="map" type="List">{listed}</Option></Option></config></editWidget></field>'
    )


def _aliases(fields: Mapping[str, Column], language: str) -> str:
    return "".join(
        f"<alias field={quoteattr(name)} name={quoteattr(column.label(language))}/>"
        for name, column in fields.items()
    )


LAKE_LABEL = "trim(coalesce({number}, '') || ' ' || coalesce({name}, ''))"
"""What a lake is called on a map, by the names of the two columns: nothing, where it has none."""


def lake_label(is_shapefile: bool = False) -> str:
    """Return the expression of QGIS that tells what a partner calls a lake."""
    names = {
        "number": CATALOGUE_NO.shapefile if is_shapefile else CATALOGUE_NO.name,
        "name": LAKE_NAME.shapefile if is_shapefile else LAKE_NAME.name,
    }
    return LAKE_LABEL.format(**{key: f'"{name}"' for key, name in names.items()})


def _labeling(expression: str) -> str:
    return (
        '<labeling type="simple"><settings calloutType="simple"><text-style '
        f'fieldName={quoteattr(expression)} isExpression="1" fontSize="9" '
        'fontSizeUnit="Point" textColor="16,42,67,255"><text-buffer bufferDraw="1" '
        'bufferSize="0.8" bufferSizeUnits="MM" bufferColor="255,255,255,220"/></text-style>'
        '<text-format/><placement placement="0" dist="1" distUnits="MM"/>'
        '<rendering drawLabels="1" obstacle="1"/></settings></labeling>'
    )


def _legend(coloured: str, colours: Mapping[str, str], language: str) -> str:
    categories, symbols = [], []
    for number, (value, colour) in enumerate(colours.items()):
        categories.append(
            f'<category render="true" symbol="{number}" value={quoteattr(value)} '
            f"label={quoteattr(_shown(value, language))}/>"
        )
        symbols.append(_symbol(number, Symbol(colour)))
    return (
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(coloured)} forceraster="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2>"
    )


def _symbol(number: int, symbol: Symbol) -> str:
    opacity = 70 if symbol.fill == "solid" else 200
    options = {
        "color": f"{symbol.colour},{opacity}",
        "outline_color": f"{symbol.colour},255",
        "outline_style": symbol.line,
        "outline_width": f"{symbol.width_mm:g}",
        "outline_width_unit": "MM",
        "style": symbol.fill,
    }
    properties = "".join(
        f'<Option name="{name}" type="QString" value="{value}"/>' for name, value in options.items()
    )
    return (
        f'<symbol name="{number}" type="fill" alpha="1"><layer class="SimpleFill" '
        f'enabled="1"><Option type="Map">{properties}</Option></layer></symbol>'
    )


def _ruled(groups: Sequence[RuleGroup], language: str) -> str:
    """Return a renderer that draws by rules: a heading for each group, all of them add up."""
    rules: list[str] = []
    symbols: list[str] = []
    for place, group in enumerate(groups):
        lines: list[str] = []
        for rule in group.rules:
            lines.append(
                f'<rule key="{place}-{len(lines)}" symbol="{len(symbols)}" '
                f"filter={quoteattr(rule.condition)} "
                f"label={quoteattr(_shown(rule.label, language))}/>"
            )
            symbols.append(_symbol(len(symbols), rule.symbol))
        condition = f" filter={quoteattr(group.condition)}" if group.condition else ""
        rules.append(
            f'<rule key="{place}"{condition} label={quoteattr(_shown(group.title, language))}>'
            f"{''.join(lines)}</rule>"
        )
    return (
        '<renderer-v2 type="RuleRenderer" symbollevels="0" forceraster="0">'
        f'<rules key="all">{"".join(rules)}</rules><symbols>{"".join(symbols)}</symbols>'
        "</renderer-v2>"
    )


def style_table(styles: Mapping[str, str], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the table in which QGIS finds the styles (QML) of the layers of a GeoPackage."""
    names = [name for name in tables if name in styles]
    return pd.DataFrame(
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": names,
            "f_geometry_column": [
                "geom" if isinstance(tables[name], gpd.GeoDataFrame) else "" for name in names
            ],
            "styleName": names,
            "styleQML": [styles[name] for name in names],
            "styleSLD": "",
            "useAsDefault": True,
            "description": "",
            "owner": "",
            "ui": "",
            "update_time": pd.Timestamp(FIXED_DATE),
        }
    )
