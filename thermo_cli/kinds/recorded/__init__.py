"""Runs that somebody has already made, read without training as they lie, and parameters as safetensors.

Each observable has its own steps; what is not there was not measured, and a replica whose records end before those of others
has `ended`. Of a repeated step the last value counts. Recipes are points, never histories: a history claims the same end.

The way: places (paths to files of runs; folders, exports) -> importers (a file as columns, or runs) -> long, wide (columns as
runs) -> rules (runs as arrays) -> records. A `reading` decides once for all files what is read, by `shapes` and `choice`, and
keeps a note of each rule that was applied, which ends among the warnings of a report. Parameters lie beside it.
"""
