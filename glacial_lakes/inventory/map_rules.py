"""What QGIS draws lakes by: type, state, change and doubt.

Rules of one layer add up: the fill tells the type, the outline state or change, and hatching why a
person should look. Each can be switched off in the legend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.io.qgis_style import Rule, RuleGroup, Symbol
from glacial_lakes.schema import Column, LakeState, LakeType, TrendKind

Expressed = Callable[[Column], str]
"""Gives the expression of QGIS that reads a column."""

VAGUE_SHARE = 0.25
"""Error of an area, as a share of it, from which the area says little."""
HARDLY_PROB = 0.5
"""Probability of a lake below which its features speak against it."""

TYPE_COLOURS: Mapping[str, str] = {
    LakeType.SUPRAGLACIAL: "204,121,167",
    LakeType.ICE_CONTACT: "0,114,178",
    LakeType.UNCONNECTED: "86,180,233",
    LakeType.NON_GLACIER_FED: "0,158,115",
    LakeType.UNKNOWN: "190,190,190",
}
"""Lakes on a map by type, in colours that colour-blind readers can tell apart."""

_GREW, _SHRANK, _SAME = "0,114,178", "213,94,0", "127,138,146"
_GREW_OVER_TYPE = "0,32,96"
"""Growth where the fill is that of the type, and blue is one of types."""
_DOUBT = "230,159,0"
_WIDE_MM = 1.2
_COLUMNS: Mapping[str, Column] = {
    column.name: column for column in (*schema.LATEST, *schema.LAKES, *schema.TRENDS)
}


def _of_layer(column: Column) -> str:
    """Return the expression of a column of a GeoPackage."""
    name = f'"{column.name}"'
    return f"coalesce({name}, false)" if column.type == "boolean" else name


def _of_shapefile(column: Column) -> str:
    """Return the expression of a field of a shapefile, which tells truth by numbers or letters."""
    name = f'"{column.shapefile}"'
    if column.type != "boolean":
        return name
    return f"coalesce(lower(to_string({name})) IN ('1', 't', 'true'), false)"


def _by(express: Expressed, condition: str) -> str:
    """Return a condition in which the names of columns, in braces, are expressed."""
    return condition.format_map({name: express(column) for name, column in _COLUMNS.items()})


def _types(express: Expressed, here: str = "") -> RuleGroup:
    rules = [
        Rule(str(kind), _by(express, f"{{{C.LAKE_TYPE}}} = '{kind}'"), Symbol(colour))
        for kind, colour in TYPE_COLOURS.items()
        if kind != LakeType.UNKNOWN
    ]
    rest = Rule(str(LakeType.UNKNOWN), "ELSE", Symbol(TYPE_COLOURS[LakeType.UNKNOWN]))
    return RuleGroup(N_("Type"), (*rules, rest), here)


def _ended(express: Expressed) -> RuleGroup:
    state = f"{{{C.STATE}}}"
    gone, merged = (
        _by(express, f"{state} = '{kind}'") for kind in (LakeState.GONE, LakeState.MERGED)
    )
    return RuleGroup(
        N_("State"),
        (
            Rule(str(LakeState.GONE), gone, Symbol(_SHRANK, "no", "dash")),
            Rule(str(LakeState.MERGED), merged, Symbol(_SAME, "no", "dot")),
        ),
    )


_UNCHECKED = f"NOT {{{C.VERIFIED}}}"
_CONTRADICTED = N_("a newer image contradicts the outline that a person drew")
_UNCONFIRMED = N_("unconfirmed: other images contradict its only outline")
_HARDLY = N_("by its features it is hardly a lake")
_SINGLE = N_("at most one image shows it whole")
_VAGUE = N_("the error is more than a quarter of the area")
_DOUBTS: Mapping[str, tuple[str, str]] = {
    _CONTRADICTED: (f"{{{C.REVIEW_CONFLICT}}}", "diagonal_x"),
    _UNCONFIRMED: (f"{{{C.STATE}}} = '{LakeState.UNCONFIRMED}'", "diagonal_x"),
    _HARDLY: (f"{_UNCHECKED} AND {{{C.LAKE_PROB}}} < {HARDLY_PROB}", "diagonal_x"),
    _SINGLE: (f"{_UNCHECKED} AND coalesce({{{C.N_OBSERVED}}}, 0) <= 1", "b_diagonal"),
    _VAGUE: (
        f"{_UNCHECKED} AND {{{C.AREA_SIGMA_M2}}} > {VAGUE_SHARE} * {{{C.AREA_M2}}}",
        "b_diagonal",
    ),
}
"""Reasons to look at a lake: condition and hatching."""


def _doubts(express: Expressed, reasons: tuple[str, ...], here: str = "") -> RuleGroup:
    chosen = {reason: _DOUBTS[reason] for reason in reasons}
    rules = (
        Rule(reason, _by(express, condition), Symbol(_DOUBT, hatching, "no"))
        for reason, (condition, hatching) in chosen.items()
    )
    return RuleGroup(N_("To check"), tuple(rules), here)


def _changes(express: Expressed, grew: Symbol, shrank: Symbol, same: tuple[Rule, ...]) -> RuleGroup:
    sure = f"{{{C.TREND}}} IS NULL AND {{{C.EXCEEDS_UNCERTAINTY}}}"
    kinds = {
        str(TrendKind.GROWING): (f"{{{C.TREND}}} = '{TrendKind.GROWING}'", grew),
        str(TrendKind.SHRINKING): (f"{{{C.TREND}}} = '{TrendKind.SHRINKING}'", shrank),
        N_("larger than on the first date"): (
            f"{sure} AND {{{C.DIFFERENCE_M2}}} > 0",
            Symbol(grew.colour, "no", "dash", grew.width_mm),
        ),
        N_("smaller than on the first date"): (
            f"{sure} AND {{{C.DIFFERENCE_M2}}} < 0",
            Symbol(shrank.colour, "no", "dash", shrank.width_mm),
        ),
    }
    rules = (
        Rule(label, _by(express, condition), symbol) for label, (condition, symbol) in kinds.items()
    )
    return RuleGroup(N_("Trend"), (*rules, *same))


_HERE = _by(_of_layer, f"{{{C.STATE}}} IN ('{LakeState.PRESENT}', '{LakeState.UNCONFIRMED}')")
_UNCHANGED = Rule(N_("no change beyond its uncertainty"), "ELSE", Symbol(_SAME))

RULES: Mapping[str, tuple[RuleGroup, ...]] = {
    "lakes": (
        _types(_of_layer, _HERE),
        _ended(_of_layer),
        _doubts(_of_layer, (_CONTRADICTED, _UNCONFIRMED, _SINGLE, _VAGUE), _HERE),
    ),
    "trends": (_changes(_of_layer, Symbol(_GREW), Symbol(_SHRANK), (_UNCHANGED,)),),
}
"""Rules by layer of an inventory."""

SHAPEFILE_RULES: tuple[RuleGroup, ...] = (
    _types(_of_shapefile),
    _changes(
        _of_shapefile,
        Symbol(_GREW_OVER_TYPE, "no", width_mm=_WIDE_MM),
        Symbol(_SHRANK, "no", width_mm=_WIDE_MM),
        (),
    ),
    _doubts(_of_shapefile, (_CONTRADICTED, _HARDLY, _SINGLE, _VAGUE)),
)
"""Rules of the shapefile with the latest state: all that a GeoPackage tells by its layers."""
