"""Edit a copy of an inventory with QGIS's own classes; run by the Python that QGIS brings."""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsVectorLayer,
)

path, ids = sys.argv[1], json.loads(sys.argv[2])
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(f"{path}|layername=lakes", "lakes", "ogr")
assert layer.isValid()
assert layer.startEditing()
index = layer.fields().indexOf
by_id = {feature["lake_id"]: feature for feature in layer.getFeatures()}
assert layer.deleteFeature(by_id[ids["false"]].id())
moved = by_id[ids["moved"]]
for number in range(0, 40, 4):  # as a hand drags vertices
    vertex = moved.geometry().vertexAt(number)
    if vertex.isEmpty():
        break
    assert layer.moveVertex(vertex.x() - 0.00002, vertex.y(), moved.id(), number)
wider = layer.getFeature(moved.id()).geometry().buffer(0.00015, 8)
wider.convertToMultiType()
assert layer.changeGeometry(moved.id(), wider)
assert layer.changeAttributeValue(moved.id(), index("edited_by"), "Петров")
typed = by_id[ids["typed"]].id()
assert layer.changeAttributeValue(typed, index("lake_type"), "ice-contact")
assert layer.changeAttributeValue(typed, index("comment"), "осмотрено")
x, y = map(float, ids["place"].split())
new = QgsFeature(layer.fields())
circle = QgsGeometry.fromPointXY(QgsPointXY(x, y)).buffer(0.001, 12)
circle.convertToMultiType()
new.setGeometry(circle)
assert layer.addFeature(new)
assert layer.commitChanges(), layer.commitErrors()
del layer
os._exit(0)  # QGIS crashes when it is taken down in an order that it does not like
