"""Which of several copies of one product can be believed, judged by what they hold.

Copies have the same metadata, so that nothing in them tells which one a disk or a download spoiled,
and names of folders are what people make them. Only copies are looked at so closely: every number
of them is read.
"""

from __future__ import annotations

from rasterio.windows import Window

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.scenes.integrity import verify
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.scenes.raster import keep_open, read_numbers
from glacial_lakes.scenes.remote import is_remote
from glacial_lakes.scenes.scene import Scene

SPOILED, ODD, UNVERIFIED, VERIFIED = range(4)
"""How far a copy can be believed, least first."""

_ROWS = 1024


def soundness(scene: Scene) -> int:
    """Return how far a copy can be believed.

    Parameters
    ----------
    scene : Scene

    Returns
    -------
    int
        :data:`SPOILED` where a file differs from its checksum, does not decode, or cannot show what
        it shows; :data:`ODD` where it hardly can; :data:`VERIFIED` where all checksums agree.
    """
    if is_remote(scene.bands["green"].path):  # nothing is fetched for it
        return UNVERIFIED
    try:
        is_verified = verify(scene) == "verified"
        _read_all(scene)
        verdict = assess(scene).verdict
    except GlacialLakesError:
        return SPOILED
    if verdict == "implausible":
        return SPOILED
    if verdict == "odd":
        return ODD
    return VERIFIED if is_verified else UNVERIFIED


def _read_all(scene: Scene) -> None:
    height, width = scene.grid.shape
    layers = (*scene.bands.values(), scene.quality, scene.saturation)
    with keep_open():
        for layer in (layer for layer in layers if layer is not None):
            for row in range(0, height, _ROWS):  # of coarser ones some windows lie outside
                read_numbers(layer, Window(0, row, width, _ROWS))
