"""Macroscopic quantities: what can be seen of a replica from outside; `METRICS` of thermo_cli.metric is their table."""
