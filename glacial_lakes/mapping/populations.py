"""One candidate of two kinds of ground: a lake and the ice, moraine or wet sand that it runs into.

Where the index of turbid water is that of dirty ice, seeds of both are connected. Their colours
are still two populations with a gap between them, which those of one lake are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.kernels.filters import evened
from glacial_lakes.kernels.labels import connected_with
from glacial_lakes.kernels.morphology import depth_in
from glacial_lakes.mapping.classification import MAX_SHADE_NDWI, MAX_SHADED_ICE_NDWI
from glacial_lakes.mapping.features import TURNED_AWAY
from glacial_lakes.mapping.indices import ndwi_or_zero
from glacial_lakes.mapping.seeds import MAX_GLINT

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

PURE_PX = 1.5
"""Blur of the shore does not reach deeper inside."""
MIN_PURE = 60
"""Fewer pixels do not show whether there are two populations."""
MIN_SHARE = 0.05
"""A smaller population is a shoal, an island or a boat."""
MAX_VALLEY = 0.25
"""Two populations: between their medians the values are as rare as this, against the rarer one.
One lake with an even change of depth or silt has no such gap."""
MIN_APART = 4.0
"""Ashman's D of two populations (Ashman et al. 1994, who ask for 2)."""
LEAST_REFLECTANCE = 0.003
NOISE = 0.005
"""Of the logarithms of reflectance: the least texture."""
CLEAR_NDWI = 0.4
"""Water that differs so clearly from ground is not mixed with it unseen."""
EVEN_PX = 0.8
"""Of the index, in which shade has much texture, the means over this distance (Gaussian) are told
apart."""
GLINT_SPREAD, GLINT_EVEN, MAX_GLINT_NIR = 0.006, 0.3, 0.07
"""How much the light that glint adds differs between bands, besides and as a share of it; and the
near infrared of water that it lies on."""
MOST = 4
"""Parts that a candidate is cut into at most."""


def populations(
    reflectance: Mapping[str, Float],
    bands: Sequence[str],
    candidate: Bool,
    illumination: Float | None = None,
) -> list[Bool]:
    """Return the parts of a candidate that are of one kind each.

    The bands are combined so that what differs between far pixels is largest against what differs
    between neighbours (minimum noise fraction, Green et al. 1988), in logarithms: the texture of
    ice and rock is that of light, which changes all bands by one factor. A candidate is cut where
    the combination has two populations with a gap between them, and one of the two may be
    something else than water by its index. Shade and snow have so many brightnesses that a clear
    lake among them is no population of all bands; it is cut out by its index alone. Clear water
    beside turbid water stays one lake, and so does deep water, whose index is noise, with its
    shallows, and water under glint with what lies calm.

    Parameters
    ----------
    reflectance : mapping of str to array of float32, shape (y, x)
        At least green and nir.
    bands : sequence of str
        That tell the populations.
    candidate : array of bool, shape (y, x)
    illumination : array of float32, shape (y, x), optional
        Direct light relative to level ground; NaN is not known. In shade the index of ground is
        larger than in the sun.

    Returns
    -------
    list of array of bool, shape (y, x)
        The candidate alone, or its parts, which do not overlap.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.zeros((30, 30), bool)
    >>> one[5:25, 3:27] = True
    >>> even = {name: np.full((30, 30), 0.1, "float32") for name in ("green", "nir")}
    >>> [int(part.sum()) for part in populations(even, ["green", "nir"], one)]
    [480]
    """
    green, nir = reflectance["green"], reflectance["nir"]
    if candidate.sum() < MIN_PURE:
        return [candidate]
    index = ndwi_or_zero(green, nir)
    pure = _pure(candidate) & np.isfinite(index)
    highest = np.full(index.shape, MAX_SHADED_ICE_NDWI)
    if illumination is not None:
        highest[illumination < TURNED_AWAY] = MAX_SHADE_NDWI
    if pure.sum() < MIN_PURE or not (index[pure] < highest[pure]).mean() > MIN_SHARE:
        return [candidate]
    planes = np.stack([reflectance[name] for name in bands]).astype(float)
    pure &= np.isfinite(planes).all(0)
    signals = np.log(np.maximum(np.nan_to_num(planes), LEAST_REFLECTANCE))
    whole: list[Bool] = []
    waiting = [(candidate, pure)]
    while waiting:
        part, core = waiting.pop()
        room = len(whole) + len(waiting) + 1 < MOST
        halves = _halves(signals, index, highest, nir, core) if room else None
        if halves is None:
            whole.append(part)
            continue
        for half in halves:
            own = connected_with(core & half, part & half)
            waiting.append((own, core & _pure(own)))
    return whole


def _pure(part: Bool) -> Bool:
    pure: Bool = part & (depth_in(part, PURE_PX + 0.5) > PURE_PX)
    return pure


def _halves(
    signals: NDArray[np.float64],
    index: Float,
    highest: NDArray[np.float64],
    nir: Float,
    core: Bool,
) -> tuple[Bool, Bool] | None:
    """Return where each of the two populations of some pixels would be; None for one population."""
    values = signals[:, core]
    count = values.shape[1]
    if count < MIN_PURE:
        return None
    centre = values.mean(1, keepdims=True)
    along = (signals[:, :, 1:] - signals[:, :, :-1])[:, core[:, 1:] & core[:, :-1]]
    down = (signals[:, 1:] - signals[:, :-1])[:, core[1:] & core[:-1]]
    steps = np.concatenate([along, down], axis=1)
    texture = steps @ steps.T / max(1, 2 * steps.shape[1]) + NOISE**2 * np.eye(len(signals))
    root = np.linalg.inv(np.linalg.cholesky(texture))
    spread = root @ ((values - centre) @ (values - centre).T / count) @ root.T
    direction = root.T @ np.linalg.eigh(spread)[1][:, -1]
    direction *= np.sign(direction[np.abs(direction).argmax()])
    value = np.einsum("b,byx->yx", direction, signals - centre[:, :, None])
    threshold = _gap(np.sort(value[core]))
    if threshold is None:
        value = evened(index, core, EVEN_PX)
        threshold = _gap(np.sort(value[core]))
        if threshold is None or not np.median(value[core & (value > threshold)]) > CLEAR_NDWI:
            return None
    halves = value > threshold, ~(value > threshold)
    strong, weak = sorted(halves, key=lambda half: -np.median(index[core & half]))
    if not np.median((index - highest)[core & weak]) < 0:
        return None
    darkness, other = np.median(nir[core & weak]), np.median(nir[core & strong])
    if darkness < MAX_GLINT and darkness < other + LEAST_REFLECTANCE and other < MAX_GLINT:
        return None  # no ground is darker than clear water
    one, other = (np.exp(np.median(signals[:, core & half], axis=1)) for half in (weak, strong))
    return None if darkness < MAX_GLINT_NIR and _is_glint(one - other) else halves


def _is_glint(added: NDArray[np.float64]) -> bool:
    """Return whether light that is added to some bands may be glint."""
    even = np.ptp(added) < GLINT_SPREAD + GLINT_EVEN * added.mean()
    return bool(even and added.min() > -GLINT_SPREAD)


def _gap(ordered: NDArray[np.float64]) -> float | None:
    """Return the value between two populations of ordered values (Otsu 1979), None for one."""
    count = len(ordered)
    below = np.arange(1, count)
    sums = np.cumsum(ordered)
    low, high = sums[:-1] / below, (sums[-1] - sums[:-1]) / (count - below)
    cut = int((below * (count - below) * (high - low) ** 2).argmax()) + 1
    lower, upper = ordered[:cut], ordered[cut:]
    if min(len(lower), len(upper)) < MIN_SHARE * count:
        return None
    apart = np.sqrt(2) * (upper.mean() - lower.mean()) / np.sqrt(lower.var() + upper.var() + 1e-12)
    if not apart > MIN_APART:
        return None
    first, last = np.median(lower), np.median(upper)
    places = first + (last - first) * np.array([0, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 1])
    reach = (last - first) / 8
    found = np.searchsorted(ordered, places + reach) - np.searchsorted(ordered, places - reach)
    if found[1:-1].min() > MAX_VALLEY * min(found[0], found[-1]):
        return None
    return float((lower[-1] + upper[0]) / 2)
