"""Compiled loops over pixels and vertices, each equal to a plain reference."""
