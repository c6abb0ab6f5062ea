"""One view of a run, drawn in several formats."""
