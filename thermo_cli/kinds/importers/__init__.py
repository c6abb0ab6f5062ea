"""The formats of logs: a file with `read(file, data, wanted)` for each, which makes a table of its bytes, and a line here.

A table holds cells as they were written; `wanted` chooses its columns among the names that are there, and what cells mean is
found out after that, alike for all. Runs that exist and what a script leaves in its output folder are read by the same.
"""

from typing import Final

IMPORTERS: Final = {  # suffix of a file -> what reads it, `module:function`
    ".csv": "thermo_cli.kinds.importers.csv_records:read",
    ".jsonl": "thermo_cli.kinds.importers.json_lines:read",
    ".ndjson": "thermo_cli.kinds.importers.json_lines:read",
    ".parquet": "thermo_cli.kinds.importers.parquet_records:read",
    ".tsv": "thermo_cli.kinds.importers.csv_records:read",
}
