"""Area series → trends, steps, totals, best observations and alerts.

Pure functions: :mod:`~glacial_lakes.change.statistics` and :mod:`~glacial_lakes.change.trends` work
on times and areas of one lake, the others on the tables of an inventory.
"""

from glacial_lakes.change.alerts import alerts
from glacial_lakes.change.composites import best_observations
from glacial_lakes.change.fast import fast_changes
from glacial_lakes.change.offsets import difference_of, offsets_of
from glacial_lakes.change.storage import storage, with_volumes
from glacial_lakes.change.totals import by_date, totals
from glacial_lakes.change.trends import Step, Trend, step, trend, trends

__all__ = [
    "Step",
    "Trend",
    "alerts",
    "best_observations",
    "by_date",
    "difference_of",
    "fast_changes",
    "offsets_of",
    "step",
    "storage",
    "totals",
    "trend",
    "trends",
    "with_volumes",
]
