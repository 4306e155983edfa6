"""Lakes with identity and history, in memory and as one GeoPackage."""
