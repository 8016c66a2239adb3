"""Tailor packs: archives of a manifest and files, imported, switched on and off, and given out again."""
