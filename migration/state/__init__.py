"""Comparison of what both sides wrote into their databases: table by table, row by row, up to bindings and clocks."""
