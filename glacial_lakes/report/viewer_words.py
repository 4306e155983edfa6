"""What the scripts of the viewer say; they hold no words of their own in other languages."""

from __future__ import annotations

from glacial_lakes.errors import N_
from glacial_lakes.schema import (
    AlertKind,
    Decision,
    EventKind,
    LakeState,
    LakeType,
    Status,
    TrendKind,
)

TEXTS = (
    *(N_("m"), N_("km"), N_("m²"), N_("km²"), N_("Zoom in"), N_("Zoom out")),
    *(N_("all"), N_("any alert"), N_("as it is"), N_("remark")),
    *(N_("State"), N_("Type"), N_("Area, km²"), N_("Alert"), N_("District or basin")),
    *(N_("Largest first"), N_("Name"), N_("Largest change first")),
    *(N_("Review: most doubt first"), N_("Lakes: {shown} of {count}"), N_("Show more")),
    *(N_("Keep"), N_("Reject"), N_("Later"), N_("Review"), N_("Remark"), N_("Close")),
    *(N_("Area through time"), N_("No image tells its area."), N_("no image"), N_("no water")),
    *(N_("not observed: {reason}"), N_("at least {area}"), N_("not observed")),
    *(N_("area with one standard error"), N_("a part is hidden: at least")),
    *(N_("verified by {name}"), N_("Images"), N_("All images"), N_("Fewer images")),
    N_("False colour: water is dark, ice is blue, ground is brown."),
    *(N_("before: {area}"), N_("now: {area}"), N_("no later image agrees yet")),
    N_("{kind}: {slope} m² a year (95 %: {low} to {high})"),
    *(N_("Attributes"), N_("Lake area"), N_("Largest area"), N_("Dam"), N_("Elevation, m")),
    N_("Probability of a lake"),
    *(N_("Nearest glacier"), N_("To glacier, m"), N_("Seen"), N_("Latitude, longitude")),
    *(N_("Events"), N_("Decisions"), N_("All dates"), N_("Date"), N_("Sensor")),
    *(N_("Seen part"), N_("Decisions: {count}"), N_("This is no file of a review.")),
    N_("First put in your name."),
    *(N_("lake, measured on this date"), N_("lake, last seen earlier or only in part")),
    *(N_("glacier"), N_("stream by the elevation model"), N_("river on the image")),
)
"""Every text that a script asks for."""

KEYS = (
    (("←", "→"), N_("earlier or later image")),
    (("↑", "↓"), N_("lake before or after")),
    (("/",), N_("search")),
    (("Q",), N_("begin to review: most doubt first")),
    (("K",), N_("keep: it is a lake")),
    (("R",), N_("reject: it is no lake")),
    (("L",), N_("decide later")),
    (("T",), N_("choose its type")),
    (("M",), N_("write a remark")),
    (("U",), N_("take the last decision back")),
    (("S",), N_("save the review as a file")),
    (("I",), N_("images on or off")),
    (("H",), N_("show all lakes")),
    (("Esc",), N_("close the lake")),
)
"""Keys of the viewer and what they do."""

_DAMS = ("ice", "moraine", "bedrock", "landslide", "artificial")
CODES = tuple(
    dict.fromkeys(
        str(code)
        for words in (Status, LakeState, LakeType, EventKind, AlertKind, TrendKind, Decision, _DAMS)
        for code in words
    )
)
"""Codes of the tables that the page puts into words."""
