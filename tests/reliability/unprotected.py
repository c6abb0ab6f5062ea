"""That each attack finds what it looks for once what protects is taken away: an attack that cannot succeed proves nothing.

    python -m tests.reliability --unprotected

The code below stands in a `sitecustomize.py` that every Python process of an attack imports first, workers among them.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.conftest import ROOT
from tests.reliability.tally import Tally

IN_PLACE: Final = """
import contextlib
from thermo_cli.store import files

@contextlib.contextmanager
def torn(path):
    with path.open("wb") as handle:
        yield handle
        handle.flush()
        files.os.fsync(handle.fileno())

files.replacing = torn
"""
NOT_HEALED: Final = """
from thermo_cli import study
study.heal_arrays = study.heal_facts = lambda *words: iter(())
"""
STATE_FIRST: Final = """
import time
from thermo_cli.store import shard

held, write = [], shard.write_arrays

def late(path, content):
    if not path.name.startswith("commit-"):
        checksum = write(path, content)
        while held:
            time.sleep(0.7)
            early, its_place = held.pop()
            early.rename(its_place)
        return checksum
    held.append((path.with_suffix(".late"), path))
    return write(held[-1][0], content)

shard.write_arrays = late
"""
FOREIGN: Final = """
from thermo_cli.store import files, healing, shard
for room in (files, healing, shard):
    room.check_record = lambda *words: None
shard._says = lambda *words: True
"""
UNNAMED: Final = """
from thermo_cli.cli import boundary
boundary.SHORT = boundary.FULL = ()
"""
UNHEARD: Final = """
import os
from thermo_cli.cli import boundary
from thermo_cli.engines.interrupts import Interrupts
boundary._interrupt = Interrupts._note = lambda *words: os._exit(1)
"""
UNLOCKED: Final = """
import contextlib
from thermo_cli.store.run_folder import RunFolder
RunFolder.lock = lambda self: contextlib.nullcontext()
"""
UNESCAPED: Final = """
import jinja2.runtime
jinja2.runtime.escape = lambda text: jinja2.runtime.Markup(str(text))
"""
UNPLACED: Final = """
from thermo_cli.spec.yaml_source import Source
Source.where = lambda self, location, key=False: self.label
"""
GIVEN_UP: Final = """
from thermo_cli.engines import dask
dask.LOSSES = 1
"""
REMOVED: Final = {
    "damaged": (NOT_HEALED, 14),
    "exchanged": (FOREIGN, 12),
    "full": (IN_PLACE, 7),
    "limited": (IN_PLACE + UNNAMED + NOT_HEALED, 6),
    "vanished": (IN_PLACE, 6),
    "killed": (STATE_FIRST + NOT_HEALED, 4),
    "told": (UNHEARD, 2),
    "clustered": (GIVEN_UP, 4),
    "live": (UNLOCKED, 2),
    "injected": (UNESCAPED, 24),
    "refused": (UNPLACED, 40),
}
"""Attack, to the code that takes away what protects from it, and how many faults show it."""
TRIED: Final = """\
import sys, dataclasses, json
from pathlib import Path
from tests.reliability.attacks import ATTACKS
from thermo_cli import rng

(attack,) = [one for one in ATTACKS if one.run.__name__ == sys.argv[1]]
print(json.dumps(dataclasses.asdict(attack.run(int(sys.argv[2]), Path(sys.argv[3]), rng.generator(7)))))
"""


def without_protection(name: str) -> Tally:
    """Try an attack in processes where nothing protects from it; one that ends in a traceback has succeeded too.

    Args:
        name: Of the attack, a key of `REMOVED`.
    """
    code, number = REMOVED[name]
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "sitecustomize.py").write_text(code)
        (Path(place) / "faults").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", TRIED, name, str(number), str(Path(place) / "faults")],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([place, str(ROOT)])},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        return Tally(number, 0, [done.stderr[-300:]])
    return Tally(**json.loads(done.stdout.splitlines()[-1]))


def kept(name: str) -> dict[str, object]:
    """Return the line of results/reliability.jsonl that says what an attack finds without protection.

    Args:
        name: Of the attack.
    """
    return {"attack": name, "unprotected": True, **dataclasses.asdict(without_protection(name))}
