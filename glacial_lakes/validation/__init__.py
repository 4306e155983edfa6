"""Outlines against reference outlines: accuracy by size class, with intervals."""

from glacial_lakes.validation.accuracy import Accuracy
from glacial_lakes.validation.causes import causes_below
from glacial_lakes.validation.validate import validate, validate_files, write_accuracy

__all__ = ["Accuracy", "causes_below", "validate", "validate_files", "write_accuracy"]
