"""One scene → lake outlines and the observation mask."""
