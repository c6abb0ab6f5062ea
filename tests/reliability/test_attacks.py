"""A few faults of every attack; and that each attack which runs in this process finds what it looks for once nothing protects.

The long form, with its table, is `python -m tests.reliability`.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.reliability import damage, disks
from tests.reliability.attacks import ATTACKS
from tests.reliability.tally import Attack, Tally
from thermo_cli import rng, study
from thermo_cli.store import files, healing, shard


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.quick], ids=lambda attack: attack.run.__name__)
def test_nothing_is_silent_or_lost(attack: Attack, tmp_path: Path) -> None:
    """Whatever is attacked: what is promised is there to the byte after the same command, and what is wrong was said.

    Each was seen to fail without its protection: `unprotected.REMOVED` takes it away, `python -m tests.reliability
    --unprotected` counts what is silent or lost then, and four of them are tried below.
    """
    tally = attack.run(attack.quick, tmp_path, rng.generator(7))
    assert tally.tried >= attack.quick // 2
    assert (tally.silent, tally.lost) == ([], [])


def _nothing(*arguments: Any, **others: Any) -> Iterator[str]:
    return iter(())


@contextlib.contextmanager
def _torn(path: Path) -> Iterator[Any]:
    """Write a file in its place, without a temporary one."""
    with path.open("wb") as handle:
        yield handle
        files.os.fsync(handle.fileno())


UNPROTECTED: Final[dict[str, tuple[Callable[..., Tally], Any, str, Any]]] = {
    "damaged, not healed": (damage.damaged, study, "heal_arrays", _nothing),
    "damaged facts, not healed": (damage.damaged, study, "heal_facts", _nothing),
    "exchanged, records not read": (damage.exchanged, healing, "check_record", lambda *words: None),
    "full, written in place": (disks.full, files, "replacing", _torn),
}


@pytest.mark.parametrize("name", UNPROTECTED)
def test_without_its_protection_an_attack_succeeds(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack that would find nothing whatever the code does proves nothing."""
    attack, module, protection, instead = UNPROTECTED[name]
    monkeypatch.setattr(module, protection, instead)
    if name.startswith("exchanged"):
        for room in (files, shard):
            monkeypatch.setattr(room, protection, instead)
        monkeypatch.setattr(shard, "_says", lambda *words: True)
    try:
        tally = attack(14, tmp_path, rng.generator(7))
    except Exception:  # noqa: BLE001 - an attack that ends in a traceback has succeeded too
        return
    assert tally.silent or tally.lost
