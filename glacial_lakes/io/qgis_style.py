"""Styles with which QGIS opens the layers of a GeoPackage or a shapefile."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

import pandas as pd

from glacial_lakes.io.kinds import OWN_STYLE
from glacial_lakes.language import translate

FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Date stamp inside written files: equal content must give equal bytes on any day."""


def categorized_style(column: str, colours: Mapping[str, str], language: str = "en") -> str:
    """Return a QGIS style (QML) that colours polygons by the values of a text column.

    Parameters
    ----------
    column : str
        Attribute to colour by.
    colours : mapping of str to str
        Value to colour as ``"red,green,blue"``, 0 to 255; the fill is transparent.
    language : str
        Language of the legend; in English it shows the values themselves.
    """
    categories, symbols = [], []
    for number, (value, colour) in enumerate(colours.items()):
        label = value if language == "en" else translate(value, language)
        categories.append(
            f'<category render="true" symbol="{number}" value={quoteattr(value)} '
            f"label={quoteattr(label)}/>"
        )
        options = {
            "color": f"{colour},70",
            "outline_color": f"{colour},255",
            "outline_width": "0.5",
            "outline_width_unit": "MM",
            "style": "solid",
        }
        properties = "".join(
            f'<Option name="{name}" type="QString" value="{value}"/>'
            for name, value in options.items()
        )
        symbols.append(
            f'<symbol name="{number}" type="fill" alpha="1"><layer class="SimpleFill" '
            f'enabled="1"><Option type="Map">{properties}</Option></layer></symbol>'
        )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'{OWN_STYLE}">'
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} forceraster="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2></qgis>"
    )


def style_table(styles: Mapping[str, str], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the table in which QGIS finds the styles (QML) of the layers of a GeoPackage."""
    names = [name for name in tables if name in styles]
    return pd.DataFrame(
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": names,
            "f_geometry_column": "geom",
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
