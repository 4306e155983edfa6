"""An inventory as one self-contained HTML page that works offline and prints well."""
