"""A project file becomes the whole job: scenes, tracking, exports, manifest."""
