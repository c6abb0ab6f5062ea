"""Runs that somebody has already made: a long table of records, and parameters as safetensors; read without training.

One record says what one observable of one replica was at one step. Replicas are measured at the same steps; only the end of a
replica may be missing, because a training that stopped early is counted as lost and not dropped.

The way: importers (a file as columns) -> cells (converted) -> grid (checked) -> records (arrays); parameters lie beside it.
"""
