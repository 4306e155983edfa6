"""What QGIS draws lakes by: type, state and doubt on the layer of lakes, change on that of trends.

Rules of one layer add up: the fill tells the type, the outline the state, and hatching why a person
should look. Each can be switched off in the legend.
"""

from __future__ import annotations

from collections.abc import Mapping

from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.io.qgis_style import Rule, RuleGroup, Symbol
from glacial_lakes.schema import LakeState, LakeType, TrendKind

VAGUE_SHARE = 0.25
"""Error of an area, as a share of it, from which the area says little."""

TYPE_COLOURS: Mapping[str, str] = {
    LakeType.SUPRAGLACIAL: "204,121,167",
    LakeType.ICE_CONTACT: "0,114,178",
    LakeType.UNCONNECTED: "86,180,233",
    LakeType.NON_GLACIER_FED: "0,158,115",
    LakeType.UNKNOWN: "190,190,190",
}
"""Lakes on a map by type, in colours that colour-blind readers can tell apart."""

_GREW, _SHRANK, _SAME = "0,114,178", "213,94,0", "127,138,146"
_DOUBT = "230,159,0"
_HERE = f"\"{C.STATE}\" IN ('{LakeState.PRESENT}', '{LakeState.UNCONFIRMED}')"


def _types() -> RuleGroup:
    rules = [
        Rule(str(kind), f"\"{C.LAKE_TYPE}\" = '{kind}'", Symbol(colour))
        for kind, colour in TYPE_COLOURS.items()
        if kind != LakeType.UNKNOWN
    ]
    rest = Rule(str(LakeType.UNKNOWN), "ELSE", Symbol(TYPE_COLOURS[LakeType.UNKNOWN]))
    return RuleGroup(N_("Type"), (*rules, rest), _HERE)


def _ended() -> RuleGroup:
    return RuleGroup(
        N_("State"),
        (
            Rule(
                str(LakeState.GONE),
                f"\"{C.STATE}\" = '{LakeState.GONE}'",
                Symbol(_SHRANK, "no", "dash"),
            ),
            Rule(
                str(LakeState.MERGED),
                f"\"{C.STATE}\" = '{LakeState.MERGED}'",
                Symbol(_SAME, "no", "dot"),
            ),
        ),
    )


def _doubts() -> RuleGroup:
    hatched = Symbol(_DOUBT, "b_diagonal", "solid")
    crossed = Symbol(_DOUBT, "diagonal_x", "solid")
    told = {
        N_("a newer image contradicts the outline that a person drew"): (
            f'"{C.REVIEW_CONFLICT}"',
            crossed,
        ),
        N_("unconfirmed: other images contradict its only outline"): (
            f"\"{C.STATE}\" = '{LakeState.UNCONFIRMED}'",
            crossed,
        ),
        N_("only one image shows it"): (
            f'NOT coalesce("{C.VERIFIED}", false) AND coalesce("{C.N_OBSERVED}", 0) <= 1',
            hatched,
        ),
        N_("the error is more than a quarter of the area"): (
            f'NOT coalesce("{C.VERIFIED}", false) '
            f'AND "{C.AREA_SIGMA_M2}" > {VAGUE_SHARE} * "{C.AREA_M2}"',
            hatched,
        ),
    }
    rules = tuple(Rule(label, *rule) for label, rule in told.items())
    return RuleGroup(N_("To check"), rules, _HERE)


def _changes() -> RuleGroup:
    sure = f'"{C.TREND}" IS NULL AND "{C.EXCEEDS_UNCERTAINTY}"'
    return RuleGroup(
        N_("Trend"),
        (
            Rule(str(TrendKind.GROWING), f"\"{C.TREND}\" = '{TrendKind.GROWING}'", Symbol(_GREW)),
            Rule(
                str(TrendKind.SHRINKING),
                f"\"{C.TREND}\" = '{TrendKind.SHRINKING}'",
                Symbol(_SHRANK),
            ),
            Rule(
                N_("larger than on the first date"),
                f'{sure} AND "{C.DIFFERENCE_M2}" > 0',
                Symbol(_GREW, "no", "dash"),
            ),
            Rule(
                N_("smaller than on the first date"),
                f'{sure} AND "{C.DIFFERENCE_M2}" < 0',
                Symbol(_SHRANK, "no", "dash"),
            ),
            Rule(N_("no change beyond its uncertainty"), "ELSE", Symbol(_SAME)),
        ),
    )


RULES: Mapping[str, tuple[RuleGroup, ...]] = {
    "lakes": (_types(), _ended(), _doubts()),
    "trends": (_changes(),),
}
"""Rules by layer of an inventory."""
