"""The formats of recorded runs: a file with `read(file, data)` for each, which makes a table of its bytes, and a line here.

A table holds cells as they were written, under the names in `header`; what they mean is found out after that, alike for all.
"""

from typing import Final

IMPORTERS: Final = {  # suffix of a file -> what reads it, `module:function`
    ".csv": "thermo_cli.kinds.recorded.importers.csv_records:read",
    ".jsonl": "thermo_cli.kinds.recorded.importers.json_lines:read",
    ".ndjson": "thermo_cli.kinds.recorded.importers.json_lines:read",
    ".parquet": "thermo_cli.kinds.recorded.importers.parquet_records:read",
}
