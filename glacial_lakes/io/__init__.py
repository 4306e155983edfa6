"""Files that are read with distrust, and written whole or not at all."""
