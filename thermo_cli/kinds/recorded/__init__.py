"""Runs that somebody has already made: a long table of records, and parameters as safetensors; read without training.

One record says what one observable of one replica was at one step. Each observable has its own steps; what is not there was not
measured, and a replica whose records end before those of others has `ended`.

The way: importers (a file as columns) -> cells (converted) -> grid (checked) -> records (arrays); parameters lie beside it.
"""
