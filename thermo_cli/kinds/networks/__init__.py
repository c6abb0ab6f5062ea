"""Networks: torch modules trained in stacks; `SYSTEMS` of thermo_cli.registry is their table, `linear.py` one to copy."""
