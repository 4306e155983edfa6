"""From a candidate to its outline: local water and shore signals, water fraction, contour.

The outline runs where half of a pixel is water. A fixed index threshold does not run there: on
mixed pixels the index bends towards the brighter part, so that lakes come out too small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon
from skimage.measure import find_contours

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

SHORE_PX = (1.5, 5.0)
"""The shore signal is taken from pixels at this distance from the candidate."""
NEAR_LAND_PX = 3.5
"""Land nearer than this to the candidate defines a water fraction of 0."""
NEAR_WATER_PX = (1.2, 2.3)
"""Water at this depth inside the candidate defines a fraction of 1: it is shallow, so brighter
and more like land than the middle of the lake, but blur does not reach it any more."""
CORE_PX = 1.5
"""The water signal is taken from pixels deeper than this inside: beyond the reach of blur, and
still near enough to the shore to know its shallow, brighter water."""
REACH_PX = 2.5
"""Blur and the pixel's width spread a shore over this distance to either side."""
GROUND_PX = 3.0
"""A lake reaches at most this far beyond its candidate."""
DRY_PX, WET_PX = 2.0, 5.0
"""Land and water beside the shore are what lies within these distances of it."""
BLUR_PX = {10.0: 0.8, 30.0: 0.6}
"""Effective blur (standard deviation in pixels) of images by their pixel in metres. Larger than
that of the optics (0.4–0.6 and 0.3–0.4: MTF at Nyquist 0.15–0.5), because the beach and the
shallows mix as well; measured with ``benchmarks/accuracy.py --development``."""
SMOOTH_PX = 2.0
"""Signals change along a lake: they are means over this distance (Gaussian)."""
STREAM_WIDTH_M = 30.0
"""Long parts of a lake narrower than this are streams."""
MIN_STREAM_WIDTHS = 2.0
"""Shorter ones are corners of the lake, or straits."""
MAX_STREAM_SHARE = 0.5
"""A lake of which more is narrow is a narrow lake."""
SLIVER_M = 0.01
FINE = 4
"""Contours are filled on pixels this many times finer."""
MIN_CORE = 4
MIN_SHORE = 8
MIN_SEEN = 2
NOISE = 0.005
"""Reflectance noise floor (Sentinel-2 and Landsat stay below it over dark targets)."""


@dataclass(frozen=True, slots=True)
class Fraction:
    """Water fraction around one candidate and the signals that it was unmixed with."""

    water: Float
    """Fraction of water, shape (y, x); 0 land, 1 water, beyond by noise."""
    core: Bool
    shore: Bool
    separation: float
    """Distance of water and shore in standard deviations of both (Mahalanobis)."""
    ground: Bool
    """Pixels that may belong to the candidate: near it, and nearer to it than to any other."""
    method: str
    """``unmixed`` with a core of pure pixels, ``unmixed_small`` with the wettest third instead."""


def unmix(
    bands: Float, candidate: Bool, others: Bool, seen: Bool, *, pixel_m: float = 10.0
) -> Fraction | None:
    """Return the water fraction of the pixels around a candidate.

    Each pixel is a mixture of the water signal w and the shore signal l near it. Both change
    along the lake, so they are Gaussian-weighted means of the core and of a ring outside. The
    fraction is the generalised least-squares solution
    f = (p − l)ᵀ C⁻¹ (w − l) / (w − l)ᵀ C⁻¹ (w − l), with C the sum of the covariances
    of shore and water.

    It is done twice. The first signals come from pixels that the blur of the shore hardly
    reaches. They give a first outline, and with it the share of water that each pixel beside the
    shore sees through the blur. Freed of that share, the second signals come from the shore
    itself, where beach and shallows differ from the ground and the water farther off.

    Parameters
    ----------
    bands : array of float32, shape (band, y, x)
        Reflectance, without NaN where ``seen``.
    candidate, others : array of bool, shape (y, x)
        Pixels of this candidate, and of its neighbours.
    seen : array of bool, shape (y, x)
        Observed and neither cloud nor shadow.
    pixel_m : float
        Pixel edge, which tells the blur of the image.

    Returns
    -------
    Fraction or None
        None when there is no shore to compare with.
    """
    depth = ndimage.distance_transform_edt(np.pad(candidate, 1))[1:-1, 1:-1]
    away = ndimage.distance_transform_edt(~candidate)
    nearest, farthest = SHORE_PX
    land = seen & ~candidate & ~others
    shore = land & (away > nearest) & (away <= farthest)
    if shore.sum() < MIN_SHORE:
        shore = land & (away > nearest)
    if shore.sum() < MIN_SHORE:
        return None
    core = _core(depth, candidate & seen)
    land_signal = _smoothed(bands, shore)
    # Around the local mean: a shore half of ice and half of moraine is no noise of either.
    texture = (bands - land_signal)[:, shore]
    covariance = np.cov(texture) + np.eye(len(bands)) * NOISE**2
    if core is not None and core.sum() > 2 * len(bands):
        # Bottom and sediment show through in the visible bands, not in the near infrared.
        covariance = covariance + np.cov(bands[:, core])
    # A few dozen pixels do not settle all correlations: lean towards independent bands.
    covariance = 0.7 * covariance + 0.3 * np.diag(np.diag(covariance))
    inverse = np.linalg.inv(covariance)
    if core is not None:
        method, water_signal = "unmixed", _smoothed(bands, core)
    else:
        method, core = "unmixed_small", _wettest(bands, candidate & seen, land_signal, inverse)
        water_signal = np.broadcast_to(bands[:, core].mean(1)[:, None, None], bands.shape)
    fraction, separation = _project(bands, water_signal, land_signal, inverse)
    # Next to the shore, land and shallow water differ a little from the means around them: the
    # nearest land must come out as 0 and the nearest water as 1.
    zero = _median(fraction, shore & (away <= NEAR_LAND_PX), default=0.0)
    one = 1.0
    if method == "unmixed":
        nearest, farthest = NEAR_WATER_PX
        one = _median(fraction, candidate & (depth > nearest) & (depth <= farthest), default=1.0)
    fraction = ((fraction - zero) / (float(np.clip(one, 0.8, 1.1)) - zero)).astype("float32")
    ground = away <= GROUND_PX
    if others.any():
        ground &= away <= ndimage.distance_transform_edt(~others)
    blur_px = BLUR_PX[min(BLUR_PX, key=lambda known: abs(known - pixel_m))]
    cover = _blurred_cover(fraction, seen & ground, candidate, blur_px)
    beside = _signals_beside_shore(bands, cover, seen & ~others)
    if beside is not None:
        fraction, separation = _project(bands, *beside, inverse)
    return Fraction(fraction, core, shore, separation, ground, method)


def _blurred_cover(fraction: Float, usable: Bool, candidate: Bool, blur_px: float) -> Float:
    """Return the share of water that each pixel sees when the outline is where fractions say."""
    level = conserving_level(fraction, usable, candidate)
    depth = ndimage.distance_transform_edt(np.pad(candidate, 1))[1:-1, 1:-1]
    field = np.where(depth > REACH_PX, np.float32(1), np.where(usable, fraction, np.float32(0)))
    place = extent(field > 0)
    rows, cols = field[place].shape
    inside = (finer(field[place]) > level).reshape(rows, FINE, cols, FINE)
    share = np.zeros_like(fraction)
    share[place] = inside.mean((1, 3), dtype="float32")
    cover: Float = ndimage.gaussian_filter(share, blur_px)
    return cover


def _signals_beside_shore(bands: Float, cover: Float, usable: Bool) -> tuple[Float, Float] | None:
    """Return the signals of water and land beside the shore, each freed of the other's share.

    Around every place w and l are the Gaussian-weighted least-squares solution of
    p = cover · w + (1 − cover) · l, w over mostly wet and l over mostly dry pixels, in turns.
    None when there is too little of either.
    """
    wet = cover > 0.5
    if not wet.any():
        return None
    dry = usable & ~wet & (ndimage.distance_transform_edt(~wet) <= DRY_PX)
    pure = cover > min(0.9, 0.8 * float(cover[wet].max()))
    wet = usable & pure & (ndimage.distance_transform_edt(wet) <= WET_PX)
    if dry.sum() < MIN_SHORE or wet.sum() < MIN_SEEN or not (dry & (cover < 0.03)).any():
        return None
    faint = 1e-3
    wet_mean = bands[:, wet].mean(1)
    dry_mean = bands[:, dry & (cover < 0.03)].mean(1)
    water = np.broadcast_to(wet_mean[:, None, None], bands.shape).astype("float32")
    land = np.broadcast_to(dry_mean[:, None, None], bands.shape).astype("float32")
    bare = 1 - cover
    wet_weight = _around(np.where(wet, cover**2, 0)) + faint
    dry_weight = _around(np.where(dry, bare**2, 0)) + faint
    for _ in range(3):  # the shares are small: three turns settle it
        freed = np.where(wet, cover * (bands - bare * land), 0)
        other = np.where(dry, bare * (bands - cover * water), 0)
        water = (_around(freed) + faint * wet_mean[:, None, None]) / wet_weight
        land = (_around(other) + faint * dry_mean[:, None, None]) / dry_weight
    return water, land


def contour(fraction: Float, level: float, transform: Affine) -> list[Polygon]:
    """Return the polygons that enclose fractions above a level (marching squares).

    Pixel values stand for pixel centres. Outside of the array counts as land.
    """
    padded = np.pad(fraction, 1, constant_values=0.0)
    rings = []
    lines: list[NDArray[np.float64]] = find_contours(padded, level)  # type: ignore[no-untyped-call]
    for line in lines:
        if len(line) >= 4:
            x = transform.c + transform.a * (line[:, 1] - 0.5)
            y = transform.f + transform.e * (line[:, 0] - 0.5)
            rings.append(Polygon(np.column_stack([x, y])))
    return polygons_of_rings(rings)


def without_streams(polygon: Polygon) -> list[Polygon]:
    """Return the lakes of a polygon, without the streams that flow in, out and from one to another.

    A stream is what a disc of its width does not reach, longer than some widths, and either blind
    or between two basins. A narrow passage that comes back to its basin, as behind an island,
    belongs to the lake. A polygon that is narrow in large part is kept.

    Parameters
    ----------
    polygon : Polygon
        In metres.
    """
    half = STREAM_WIDTH_M / 2
    wide = polygon.buffer(-half).buffer(1.05 * half)
    narrow = shapely.get_parts(polygon.difference(wide))
    narrow = narrow[shapely.length(narrow) / 2 > MIN_STREAM_WIDTHS * STREAM_WIDTH_M]
    if wide.is_empty or not len(narrow):
        return [polygon]
    basins = shapely.STRtree(shapely.get_parts(wide))
    streams = [part for part in narrow if _is_stream(part, wide, basins)]
    if shapely.area(streams).sum() > MAX_STREAM_SHARE * polygon.area:
        return [polygon]
    rest = polygon.difference(shapely.union_all(streams))
    # Slivers along a cut would cross themselves in another CRS.
    return list(shapely.get_parts(shapely.set_precision(rest, SLIVER_M)))


def _is_stream(narrow: Polygon, wide: shapely.Geometry, basins: shapely.STRtree) -> bool:
    mouths = shapely.get_parts(narrow.buffer(1e-3).intersection(wide))
    joined = set(basins.query(mouths, predicate="intersects")[1])
    return len(mouths) == 1 or len(joined) > 1


def conserving_level(fraction: Float, usable: Bool, candidate: Bool) -> float:
    """Return the contour level whose polygon holds as much area as the fractions sum to.

    Blur and the pixel's own width smear a shore evenly, so that the sum of fractions is kept;
    but the 0.5 contour of a smeared convex lake lies inside of its shore, the more the smaller
    the lake. Deep pixels count as full and pixels far outside as empty, so that texture there
    does not matter.

    Parameters
    ----------
    fraction : array of float32, shape (y, x)
    usable : array of bool
        Pixels that may belong to this lake.
    candidate : array of bool

    Returns
    -------
    float
        Between 0.3 and 0.6; 0.5 for a straight shore.
    """
    near = REACH_PX
    wet = fraction > 0.5
    if not (wet & candidate).any():
        return 0.5
    depth = ndimage.distance_transform_edt(np.pad(wet, 1))[1:-1, 1:-1]
    away = ndimage.distance_transform_edt(~(wet & ndimage.binary_dilation(candidate, iterations=1)))
    field = np.where(depth > near, np.float32(1), np.clip(fraction, -0.5, 1.5))
    field = np.where(usable & (away <= near), field, np.float32(0))
    total = float(field.sum())
    values = finer(np.clip(field[extent(field > 0)], 0, 1))
    count = int(np.clip(round(total * FINE**2), 1, values.size - 1))
    level = float(np.partition(values.ravel(), values.size - count)[values.size - count])
    return float(np.clip(level, 0.3, 0.6))


def polygons_of_rings(rings: list[Polygon]) -> list[Polygon]:
    """Return polygons with holes from rings that do not cross each other."""
    shapes = [ring for ring in shapely.make_valid(rings) if ring.area > 0]
    shapes.sort(key=lambda ring: -float(ring.area))
    whole = shapely.GeometryCollection()
    for ring in shapes:
        whole = shapely.symmetric_difference(whole, ring)
    return [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]


def extent(mask: Bool) -> tuple[slice, slice]:
    """Return the part of an array that holds a mask and a pixel around it."""
    if not mask.any():
        return np.s_[:1, :1]
    rows, cols = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - 1), int(rows[-1]) + 2),
        slice(max(0, int(cols[0]) - 1), int(cols[-1]) + 2),
    )


def finer(field: Float) -> Float:
    """Return an array on pixels ``FINE`` times finer, linear between the centres."""
    result: Float = ndimage.zoom(field, FINE, order=1, grid_mode=True, mode="nearest")
    return result


def _around(field: Float | Bool) -> Float:
    """Return Gaussian-weighted means in the last two axes."""
    mean: Float = ndimage.gaussian_filter(
        field.astype("float32"), SMOOTH_PX, truncate=6.0, axes=(-2, -1)
    )
    return mean


def _core(depth: Float, usable: Bool) -> Bool | None:
    core = usable & (depth > CORE_PX)
    return core if core.sum() >= MIN_CORE else None


def _median(values: Float, where: Bool, default: float) -> float:
    return float(np.median(values[where])) if where.sum() >= MIN_SHORE else default


def _wettest(bands: Float, candidate: Bool, land: Float, inverse: NDArray[np.floating]) -> Bool:
    """Return the third of a small candidate that differs most from the shore."""
    difference = (bands - land)[:, candidate]
    distance = np.einsum("bp,bc,cp->p", difference, inverse, difference)
    count = max(1, candidate.sum() // 3)
    chosen = np.zeros(candidate.shape, bool)
    rows, cols = np.nonzero(candidate)
    top = np.argsort(-distance, kind="stable")[:count]
    chosen[rows[top], cols[top]] = True
    return chosen


def _smoothed(bands: Float, where: Bool) -> Float:
    """Return the Gaussian-weighted mean of the chosen pixels around every pixel."""
    weight = _around(where)
    faint = 1e-3  # far from any chosen pixel the overall mean takes over
    total = _around(np.where(where, bands, np.float32(0)))
    means = bands[:, where].mean(1)[:, None, None]
    smoothed: Float = ((total + faint * means) / (weight + faint)).astype("float32")
    return smoothed


def _project(
    bands: Float, water: Float, land: Float, inverse: NDArray[np.floating]
) -> tuple[Float, float]:
    direction = water - land
    weighted = np.einsum("bc,cyx->byx", inverse, direction)
    squared = (direction * weighted).sum(0)
    fraction = ((bands - land) * weighted).sum(0) / np.maximum(squared, 1e-6)
    return fraction.astype("float32"), float(np.sqrt(np.median(squared)))
