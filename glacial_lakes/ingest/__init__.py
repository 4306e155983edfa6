"""Other people's outlines become ours."""
