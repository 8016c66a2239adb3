"""Targets: the sides of a comparison, however they are reached: a URL, an import path, a recording."""
