"""The spec of an experiment: models, YAML with places, overrides."""

from thermo_cli.spec.loading import (
    SpecFile,
    deciding_order,
    from_resolved,
    identity,
    json_schema,
    load_spec,
    open_spec,
    to_yaml,
)
from thermo_cli.spec.schema import Spec

__all__ = [
    "Spec",
    "SpecFile",
    "deciding_order",
    "from_resolved",
    "identity",
    "json_schema",
    "load_spec",
    "open_spec",
    "to_yaml",
]
