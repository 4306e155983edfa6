"""Split a lake and merge two with QGIS's own tools; run by the Python that QGIS brings."""

import json
import os
import sys

from qgis.core import QgsApplication, QgsPointXY, QgsVectorLayer

path, ids = sys.argv[1], json.loads(sys.argv[2])
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(f"{path}|layername=lakes", "lakes", "ogr")
by_id = {feature["lake_id"]: feature for feature in layer.getFeatures()}
assert layer.startEditing()
layer.selectByIds([by_id[ids["split"]].id()])  # the tool cuts what is selected
box = by_id[ids["split"]].geometry().boundingBox()
x = box.xMinimum() + 0.4 * box.width()
line = [QgsPointXY(x, box.yMinimum() - 0.001), QgsPointXY(x, box.yMaximum() + 0.001)]
assert layer.splitFeatures(line) == 0
kept, gone = by_id[ids["kept"]], by_id[ids["gone"]]
union = kept.geometry().combine(gone.geometry())
union.convertToMultiType()
assert layer.changeGeometry(kept.id(), union)
assert layer.deleteFeature(gone.id())
assert layer.commitChanges(), layer.commitErrors()
del layer
os._exit(0)  # QGIS crashes when it is taken down in an order that it does not like
