"""Edit a lake with QGIS's own classes and stay open, saved or not; run by the Python of QGIS."""

import os
import sys

from qgis.core import QgsApplication, QgsVectorLayer

path, is_saved = sys.argv[1], sys.argv[2] == "saved"
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(f"{path}|layername=lakes", "lakes", "ogr")
assert layer.isValid()
first = next(layer.getFeatures())
assert layer.startEditing()
assert layer.changeAttributeValue(first.id(), layer.fields().indexOf("comment"), "осмотрено")
if is_saved:
    assert layer.commitChanges(False), layer.commitErrors()  # as the button Save does
sys.stdout.write("held\n")
sys.stdout.flush()
sys.stdin.read()
if not is_saved:
    assert layer.commitChanges(), layer.commitErrors()
del layer
os._exit(0)  # QGIS crashes when it is taken down in an order that it does not like
