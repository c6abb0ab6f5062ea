"""Between training and judging: the kept parameters of a run are examined, and what is found becomes one file in its folder.

Nothing here is trained and nothing decided. All-pair quantities look at up to 64 main replicas, the first ones of each history,
so that their cost grows with the number of replicas and not with its square.
"""

import traceback
from typing import Final

from threadpoolctl import threadpool_limits

from thermo_cli.contracts import Dataset, Findings
from thermo_cli.errors import UNEXPECTED
from thermo_cli.kinds.kind import Specimens, kind_of
from thermo_cli.microstates.material import FORMAT
from thermo_cli.microstates.summary import microscopic as summarized
from thermo_cli.store import RunFolder

USUAL: Final = 0.95  # confidence, at which what is there is tried
MOST: Final = 64  # main replicas of which all pairs are looked at


def examine_run(folder: RunFolder, dataset: Dataset | None, most: int = MOST) -> None:
    """Examine the microstates of a run, unless that was done of these very replicas, and keep what is found.

    Args:
        folder: A run that has been trained.
        dataset: Its data; None where nothing is learned from data.
        most: Main replicas of which all pairs are looked at.
    """
    kind, reason = kind_of(folder.spec), folder.spec.traits.no_parameters
    specimens = kind.gather(folder, most)
    if specimens is None:
        if reason:
            folder.write_findings(_nothing(reason))
        return
    if _examined(folder.findings(), specimens):
        return
    try:
        with threadpool_limits(1):  # the bits of a sum depend on the number of threads
            findings = kind.examine(folder, dataset, specimens)
    except Exception as error:  # noqa: BLE001 - a trained run is never lost for what could not be examined
        folder.write_error("microstates", traceback.format_exc())
        findings = _nothing(f"the examination failed ({type(error).__name__}: {error}); see microstates.error.txt")
    folder.write_findings(findings)


def _nothing(reason: str) -> Findings:
    facts = {"replicas": [], "pairs": [], "floor": 0.0, "null_cosine": None, "dimensions": 0, "untested": reason}
    return Findings({}, facts)


def _examined(findings: Findings | None, specimens: Specimens) -> bool:
    """Say whether these very replicas, pairs and twins have been examined."""
    if findings is None:
        return False
    names = {"replicas": specimens.replicas, "pairs": specimens.pairs, "twins": specimens.twin_names}
    try:
        summarized(findings, USUAL)
    except UNEXPECTED:  # sealed by whomever, it is no examination: it is made again
        return False
    whole = {"format": FORMAT, **{name: list(rows) for name, rows in names.items()}}
    return all(findings.facts.get(name) == value for name, value in whole.items())
