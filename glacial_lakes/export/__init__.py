"""An inventory in the formats of others."""
