"""Outline tables of many dates → lakes with a history (no pixels).

Four steps: :mod:`glacial_lakes.tracking.tile_merging` makes one epoch of the scenes of a day and
sensor, :mod:`glacial_lakes.tracking.tracks` follows each lake through the epochs,
:mod:`glacial_lakes.tracking.observations` decides what each image says about each lake, and
:mod:`glacial_lakes.tracking.events` which events follow.
"""
