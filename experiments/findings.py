"""What the study found: from the verdict files of each claim to a sentence with their numbers, and whether the claim holds.

A finding is a function of verdict.json alone. Its words follow from the numbers, so another run writes a page of its own.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

Content = Mapping[str, Any]
Found = Mapping[str, Content]  # name of a spec to its verdict.json


@dataclass(frozen=True)
class Told:
    """What was seen.

    Attributes:
        holds: Whether the claim holds; None where that is open.
        words: With the numbers.
    """

    holds: bool | None
    words: str


@dataclass(frozen=True)
class Finding:
    """A claim, or a published result.

    Attributes:
        name: Of its folder in the reference.
        claim: What is said.
        specs: Names of the specs, the first being the one that its picture is taken from.
        seen: From the verdict files of these specs to what was seen.
        picture: Name of the chart of the first spec that stands on the page.
    """

    name: str
    claim: str
    specs: tuple[str, ...]
    seen: Callable[[Found], Told]
    picture: str


def num(value: float | None, digits: int = 2) -> str:
    """Write a number with so many significant digits."""
    return "unknown" if value is None else f"{value:.{digits}g}"


def score(one: Content, name: str = "test_accuracy") -> str:
    """Write a final mean and its standard deviation over replicas."""
    state = one["macroscopic"][name]
    return f"{num(state['mean'], 3)} (sd {num(state['sd'])})"


def level(one: Content, name: str = "test_accuracy") -> float:
    """Return a final mean."""
    return float(one["macroscopic"][name]["mean"])


def spread(one: Content, name: str = "test_accuracy") -> float:
    """Return a standard deviation over replicas."""
    return float(one["macroscopic"][name]["sd"])


def micro(one: Content, name: str = "overlap", part: str = "estimate") -> float | None:
    """Return a microscopic quantity."""
    state = one["microscopic"].get(name) or {}
    value: float | None = state.get(part)
    return value


def between(one: Content, name: str = "overlap") -> str:
    """Write a microscopic quantity with its interval."""
    state = one["microscopic"].get(name)
    if not state or state["estimate"] is None:
        return "unknown"
    low, high = state["interval"]
    return num(state["estimate"]) + (f" ({num(low)} to {num(high)})" if low is not None else "")


def verdict(one: Content) -> str:
    """Write the verdict with what it took: replicas and steps of the last look."""
    count = (one.get("replicas") or one["run"]["replicas"])["planned"]
    return f"{one['verdict']} ({count} replicas)"


def points(one: Content) -> Iterator[tuple[str, Content]]:
    """Yield the points of a sweep with the values of its fields, in words."""
    for point in one["points"]:
        yield ", ".join(str(value) for value in point["point"].values()), point


def along(one: Content, field: str) -> dict[Any, list[Content]]:
    """Return the points of a sweep by one of its fields."""
    found: dict[Any, list[Content]] = {}
    for point in one["points"]:
        value = point["point"][field]
        found.setdefault(tuple(value) if isinstance(value, list) else value, []).append(point)
    return found


def listed(one: Content, say: Callable[[Content], str]) -> str:
    """Write something of each point of a sweep."""
    return "; ".join(f"{where}: {say(point)}" for where, point in points(one))


def rises(values: list[float]) -> bool:
    """Say whether each is above the one before."""
    return all(after > before for before, after in pairwise(values))


def _same_performance(found: Found) -> Told:
    alike = [one["verdict"] in ("thermalized", "settled") for one in found.values()]
    apart = [one["outcomes"].get("diversity") == "holds" for one in found.values()]
    words = "; ".join(
        f"{name.removeprefix('01-same-performance').lstrip('-') or 'digits'}: {verdict(one)}, accuracy {score(one)}, "
        f"Q* {between(one)}"
        for name, one in found.items()
    )
    return Told(all(alike) and any(apart), f"{words}. Different models in {sum(apart)} of {len(apart)}")


def _crystal(found: Found) -> Told:
    words = "; ".join(f"{name}: {verdict(one)}, accuracy {score(one)}" for name, one in found.items())
    shares = ", ".join(num(one["microscopic"]["overlap"]["same_bath"]["estimate"], 3) for one in found.values())
    same = all(one["verdict"] == "crystallized" for one in found.values())
    return Told(
        same, f"{words}; Q* on one bath {shares}: {'one model for each bath' if same else 'not all are one model'}"
    )


def _history(found: Found) -> Told:
    first = found["03-history"]
    forgets = first["outcomes"]["history"] == "holds"
    fails = {name.removeprefix("03-history-"): one for name, one in found.items() if name != "03-history"}
    lost = [
        name for name, one in fails.items() if "fails" in (one["outcomes"]["history"], one["outcomes"]["agreement"])
    ]
    words = "; ".join(
        f"{name}: {verdict(one)}, history {one['outcomes']['history']}, agreement {one['outcomes']['agreement']}"
        for name, one in fails.items()
    )
    paths = ", ".join(first["macroscopic"]["test_accuracy"]["histories"])
    said = f"{verdict(first)} from {paths}, history {first['outcomes']['history']}. Where it may not: {words}"
    return Told(forgets and bool(lost), f"{said}. Remembered: {', '.join(lost) or 'nowhere'}")


def _quench(found: Found) -> Told:
    said, grows = [], []
    for name, one in found.items():
        rates = along(one, "dynamics.with.lr")
        gaps = [[gap(point) for point in by_rate] for by_rate in rates.values()]
        grows += [rises([row[column] for row in gaps]) for column in range(len(gaps[0]))]
        pairs = [((p["point"]["dynamics.with.lr"], p["point"]["dynamics.batch_size"]), gap(p)) for p in one["points"]]
        (low, least), (high, most) = min(pairs, key=lambda pair: pair[1]), max(pairs, key=lambda pair: pair[1])
        model = "network" if name.endswith("network") else "linear model"
        said.append(
            f"{model}: annealed to rate zero, the energy falls by {num(least)} (rate {low[0]}, batch {low[1]}) to {num(most)} "
            f"(rate {high[0]}, batch {high[1]})"
        )
    return Told(all(grows), f"{'; '.join(said)}; it grows with the rate at {sum(grows)} of {len(grows)} batch sizes")


def gap(one: Content) -> float:
    """Return the mean quench gap."""
    return float(one["diagnostics"]["quench_gap"]["mean"])


def _entropy(found: Found) -> Told:
    common, independent = (list(one["microscopic"]["dispersion"]["between"].items()) for one in found.values())
    up = [rises([value for _, value in course]) for course in (common, independent)]
    courses = [", ".join(f"{num(value)} at {step}" for step, value in course) for course in (common, independent)]
    words = ["rises" if rising else "does not rise" for rising in up]
    said = (
        f"mean log variance of the parameters over that of the null, from one start: {courses[0]} ({words[0]}); "
        f"from independent starts: {courses[1]} ({words[1]})"
    )
    if up[0] and not up[1]:
        said += ". Entropy rises where replicas share a past; from independent ones training orders them"
    return Told(up[0], said)


def _regularizers(found: Found) -> Told:
    (one,) = found.values()
    decays = along(one, "dynamics.with.weight_decay")
    shares = {decay: [_share(point) for point in several] for decay, several in decays.items()}
    words = ", ".join(f"{num(sum(each) / len(each))} at {decay:g}" for decay, each in shares.items())
    verdicts = "; ".join(
        f"decay {decay:g}: {', '.join(p['verdict'] for p in several)}" for decay, several in decays.items()
    )
    _, *decayed = decays.values()
    rests = all(point["verdict"] in ("settled", "thermalized") for several in decayed for point in several)
    most = all(min(each) > 0.5 for decay, each in shares.items() if decay)
    return Told(
        rests and most,
        f"the penalty's share of the energy at rest: {words}. Verdicts, by dropout: {verdicts}",
    )


def _share(one: Content) -> float:
    energies = {name: state["mean"] for name, state in one["macroscopic"].items() if name.startswith("energy_")}
    return float(energies.get("energy_l2", 0.0)) / float(sum(energies.values()))


def _bath(found: Found) -> Told:
    diagram, noise, shift = found.values()
    by_share = along(diagram, "ensemble.subsample.fraction")
    spreads = [sum(map(spread, several)) / len(several) for several in by_share.values()]
    verdicts = "; ".join(
        f"{share:g}: {', '.join(p['verdict'] for p in several)}" for share, several in by_share.items()
    )
    felt = {name: _responses(one) for name, one in (("wrong labels", noise), ("covariate shift", shift))}
    words = [
        f"verdicts by share of the pool, at rising rates: {verdicts}",
        f"the spread falls from {num(spreads[0])} to {num(spreads[-1])}",
        f"accuracy by share of wrong labels: {listed(noise, score)}",
        f"by covariate shift: {listed(shift, score)}",
        *(f"steps of {name} move it by {', '.join(map(num, steps))} sd" for name, steps in felt.items()),
    ]
    return Told(spreads[-1] < spreads[0] and min(felt["wrong labels"]) < -1, "; ".join(words))


def _responses(one: Content) -> list[float]:
    """Return what each step of a sweep changes of the accuracy, in standard deviations over replicas."""
    steps = [point["diagnostics"].get("field_response") for _, point in points(one)]
    return [step["observables"]["test_accuracy"]["in_sd"] for step in steps if step]


def _parts(found: Found) -> Told:
    ends, words = [], []
    for name, one in found.items():
        verdicts = [point["verdict"] for _, point in points(one)]
        grows = verdicts[0] in ("glassy", "relaxing", "undecided") and verdicts[-1] in (
            "settled",
            "thermalized",
            "crystallized",
        )
        ends.append(grows)
        title = name.removeprefix("08-parts").lstrip("-") or "width"
        words.append(f"{title}: " + listed(one, lambda p: f"{p['verdict']}, spread {num(spread(p))}"))
    return Told(ends[0], f"{'. '.join(words)}. From glass to agreement in {sum(ends)} of {len(ends)}")


def _ergodicity(found: Found) -> Told:
    network, harmonic, heated = found.values()

    def order(one: Content) -> str:
        return f"{one['phase']}, Q* {num(micro(one))} between replicas, {num(micro(one, part='self'))} with itself T/2 earlier"

    words = [
        f"network: {verdict(network)}, {order(network)}",
        f"harmonic system: {verdict(harmonic)}, {order(harmonic)}",
    ]
    words += [f"a network in a heat bath of temperature {where}: {order(one)}" for where, one in points(heated)]
    return Told(network["phase"] == "amorphous" and harmonic["phase"] == "fluid", "; ".join(words))


def _window(found: Found) -> Told:
    (one,) = found.values()
    several = [point for _, point in points(one)]
    accuracies = [level(point) for point in several]
    others = ("test_calibration_error", "shifted_accuracy", "test_loss")
    words = listed(
        one,
        lambda p: (
            f"accuracy {num(level(p), 3)}, "
            + ", ".join(f"{name.replace('_', ' ')} {num(level(p, name))}" for name in others)
            + f", disagreement {num(micro(p, 'disagreement'))}"
        ),
    )
    alike = max(accuracies) - min(accuracies) < 0.02
    errors = [level(point, "test_calibration_error") for point in several]
    apart = max(errors) > 2 * min(errors)
    return Told(alike and apart, f"by decay, {words}")


def _metastability(found: Found) -> Told:
    grokking, wells = found.values()
    at = [point["verdict"] for _, point in points(grokking)]
    words = listed(grokking, lambda p: f"{p['verdict']}, accuracy {num(level(p))}")
    pairs = listed(wells, lambda p: p["verdict"])
    cold, *_, hot = (point["verdict"] for _, point in points(wells))
    good = ("settled", "thermalized")
    holds = at[-1] in good and not any(word in good for word in at[:-2]) and cold == "glassy" and hot in good
    return Told(holds, f"grokking by step: {words}; two wells by temperature: {pairs}")


def _snowflake(found: Found) -> Told:
    one, rates = found.values()

    def order(point: Content) -> str:
        layers = ", ".join(num(state["estimate"]) for state in point["microscopic"]["overlap"]["layers"].values())
        alike = point["microscopic"]["similarity"]
        return (
            f"Q* {num(micro(point))} (layers {layers}), CKA {num(alike['estimate'])} (untrained {num(alike['null'])})"
        )

    low, high = one["microscopic"]["overlap"]["interval"]
    return Told(low > 0 and high < 0.9, f"{verdict(one)}, {order(one)}; by rate, {listed(rates, order)}")


def _rebasin(found: Found) -> Told:
    (one,) = found.values()
    aligned = [micro(point, "barrier") or 0.0 for _, point in points(one)]
    words = listed(one, lambda p: f"{num(micro(p, 'barrier_raw'))} -> {num(micro(p, 'barrier'))}")
    return Told(aligned[-1] < 0.1 * aligned[0], f"barrier raw -> aligned by width: {words}")


def _fort(found: Found) -> Told:
    (one,) = found.values()
    apart, own = one["microscopic"]["disagreement"]["interval"][0], micro(one, "disagreement", "self") or 0.0
    words = (
        f"raw cosine {between(one, 'raw_cosine')}, disagreement {between(one, 'disagreement')}, with itself {num(own)}"
    )
    return Told((micro(one, "raw_cosine") or 1.0) < 0.1 and apart > own, words)


def _frankle(found: Found) -> Told:
    (one,) = found.values()
    barriers = [micro(point, "barrier_raw") or 0.0 for _, point in points(one)]
    words = listed(one, lambda p: between(p, "barrier_raw"))
    return Told(barriers[-1] > 10 * max(barriers[0], 1e-3), f"raw barrier by what varies: {words}")


def _kornblith(found: Found) -> Told:
    (one,) = found.values()
    layers = one["microscopic"]["similarity"]["layers"]
    words = ", ".join(
        f"{name} {num(state['estimate'])} (untrained {num(state['null'])})" for name, state in layers.items()
    )
    return Told(all(state["estimate"] > state["null"] for state in layers.values()), f"unbiased CKA {words}")


def _jordan(found: Found) -> Told:
    (one,) = found.values()

    def noise(point: Content) -> tuple[float, float]:
        part = point["diagnostics"]["test_noise"]
        return float(part["variance"]), float(part["distribution_wise"])

    words = listed(
        one,
        lambda p: f"sd {num(100 * noise(p)[0] ** 0.5)} %, distribution-wise {num(100 * max(noise(p)[1], 0) ** 0.5)} %",
    )
    first, *_, last = (noise(point)[1] for _, point in points(one))
    return Told(last < first / 4, f"by steps, {words}")


def _jiang(found: Found) -> Told:
    (one,) = found.values()
    low, high = one["microscopic"]["generalization_gap"]["interval"]
    error = num(micro(one, "disagreement", "test_error"))
    words = f"disagreement {between(one, 'disagreement')}, test error {error}, difference {between(one, 'generalization_gap')}"
    return Told(max(abs(low), abs(high)) < 0.01, words)


def _bouthillier(found: Found) -> Told:
    (one,) = found.values()
    budget = one["diagnostics"]["noise_budget"]["test_accuracy"]
    words = ", ".join(f"{name} {num(100 * part['share'])} % (sd {num(part['sd'])})" for name, part in budget.items())
    sources = {name: part["share"] for name, part in budget.items() if name != "rest"}
    largest = max(sources, key=lambda name: sources[name])
    return Told(
        largest == "subsample", f"shares of the variance of the accuracy: {words}; the largest source is {largest}"
    )


def _picard(found: Found) -> Told:
    (one,) = found.values()
    state = one["macroscopic"]["test_accuracy"]
    low, high = state["tolerance_interval"]
    own = state["test_set_error"]
    words = (
        f"accuracy {score(one)} over {one['run']['replicas']['planned']} seeds; the test set's own error is {num(own)}"
    )
    return Told(state["sd"] < 0.01, f"{words}; 85 % of seeds lie from {num(low, 3)} to {num(high, 3)}")


def _scales(found: Found) -> Told:
    (one,) = found.values()
    names = ("raw_cosine", "aligned_cosine", "overlap", "barrier_raw", "barrier", "disagreement", "similarity")
    words = [f"{name.replace('_', ' ')} {listed(one, lambda p, name=name: between(p, name))}" for name in names]
    barriers = [micro(point, "barrier") or 0.0 for _, point in points(one)]
    alone = all((micro(point, "raw_cosine") or 1.0) < 0.1 for _, point in points(one))
    return Told(alone and barriers[-1] < barriers[0], f"by width, {'. '.join(words)}")


FINDINGS = (
    Finding(
        "01-same-performance",
        "Other seeds and other data give the same performance with different parameters.",
        (
            "01-same-performance",
            "01-same-performance-mnist",
            "01-same-performance-forest",
            "01-same-performance-boosting",
        ),
        _same_performance,
        "plane",
    ),
    Finding(
        "02-crystal",
        "Linear models are the exception: the same performance because of the same parameters.",
        ("02-crystal", "02-crystal-fit"),
        _crystal,
        "plane",
    ),
    Finding(
        "03-history",
        "The outcome forgets the training trajectory, but for small networks, short or lazy training and decayed rates.",
        ("03-history", "03-history-short", "03-history-lazy", "03-history-narrow", "03-history-decayed"),
        _history,
        "trajectory-test_accuracy",
    ),
    Finding(
        "04-quench",
        "Training does not minimize the loss: replicas settle above the minimum that they could reach.",
        ("04-quench", "04-quench-network"),
        _quench,
        "phase-diagram",
    ),
    Finding("05-entropy", "Entropy goes up.", ("05-entropy", "05-entropy-independent"), _entropy, "dispersion"),
    Finding(
        "06-regularizers", "Regularizers are extra energies.", ("06-regularizers",), _regularizers, "phase-diagram"
    ),
    Finding(
        "07-bath", "Data is a thermal bath.", ("07-bath", "07-bath-noise", "07-bath-shift"), _bath, "phase-diagram"
    ),
    Finding(
        "08-parts",
        "Models are built of simple parts: a glass turns into equilibrium as parts are added.",
        (
            "08-parts",
            "08-parts-depth",
            "08-parts-xor",
            "08-parts-parity",
            "08-parts-trees",
            "08-parts-tree-depth",
        ),
        _parts,
        "order-parameters",
    ),
    Finding(
        "09-ergodicity",
        "Ergodicity is usually broken.",
        ("09-ergodicity", "09-ergodicity-harmonic", "09-ergodicity-langevin"),
        _ergodicity,
        "overlaps",
    ),
    Finding("10-window", "A metric is a tiny window.", ("10-window",), _window, "order-parameters"),
    Finding(
        "11-metastability",
        "What looks like equilibrium may be a plateau.",
        ("11-metastability", "11-metastability-wells"),
        _metastability,
        "order-parameters",
    ),
    Finding(
        "12-snowflake",
        "The settled ensemble has an order of its own, like a snowflake.",
        ("12-snowflake", "12-snowflake-rates"),
        _snowflake,
        "overlap-distribution",
    ),
    Finding(
        "git-rebasin",
        "Ainsworth 2022: aligned, the barrier falls with the width.",
        ("git-rebasin",),
        _rebasin,
        "order-parameters",
    ),
    Finding(
        "fort",
        "Fort 2019: other starts, orthogonal parameters and other answers.",
        ("fort",),
        _fort,
        "overlap-distribution",
    ),
    Finding(
        "frankle", "Frankle 2020: one start, another order: no barrier.", ("frankle",), _frankle, "order-parameters"
    ),
    Finding(
        "kornblith",
        "Kornblith 2019: layers of trained networks are alike.",
        ("kornblith",),
        _kornblith,
        "overlap-distribution",
    ),
    Finding(
        "jordan", "Jordan 2023: the distribution-wise variance collapses.", ("jordan",), _jordan, "order-parameters"
    ),
    Finding("jiang", "Jiang 2021: disagreement equals the test error.", ("jiang",), _jiang, "plane"),
    Finding(
        "bouthillier",
        "Bouthillier 2021: the data's share of the noise is the largest.",
        ("bouthillier",),
        _bouthillier,
        "noise-budget",
    ),
    Finding(
        "scales",
        "What microscopic quantities are on digits, at three widths.",
        ("scales",),
        _scales,
        "order-parameters",
    ),
    Finding(
        "picard",
        "Picard 2021: among many seeds some are much better.",
        ("picard",),
        _picard,
        "trajectory-test_accuracy",
    ),
)

ANSWERS = {True: "yes", False: "no", None: "open"}
HEAD = """\
# What thermalizes, and what does not

Written by `python experiments/study.py --keep` from the verdict files in results/reference/; no number is typed by hand. Each
claim is a few specs of experiments/claims/ or experiments/literature/, each run by one command; its report is linked. Ensembles
grow until they are decided: the replicas are what that took. *Holds* says whether what was seen is what the claim says.
"""


def told(finding: Finding, reference: Path) -> Told | None:
    """Return what was found; None where a verdict file is missing.

    Args:
        finding: The claim.
        reference: Folder of what is kept.
    """
    files = {name: reference / finding.name / f"{name}.json" for name in finding.specs}
    if not all(path.exists() for path in files.values()):
        return None
    return finding.seen({name: json.loads(path.read_text()) for name, path in files.items()})


def page(reference: Path) -> str:
    """Write the page of all findings.

    Args:
        reference: Folder of what is kept.
    """
    known = {finding.name: told(finding, reference) for finding in FINDINGS}
    lines = [HEAD, "| claim | holds |", "| --- | --- |"]
    for finding in FINDINGS:
        answer = known[finding.name]
        lines.append(f"| [{finding.claim}](#{finding.name}) | {ANSWERS[answer.holds] if answer else 'not run'} |")
    for finding in FINDINGS:
        answer = known[finding.name]
        if answer:
            folder = f"reference/{finding.name}"
            reports = ", ".join(f"[{name}]({folder}/{name}.md)" for name in finding.specs)
            picture = f"![{finding.claim}]({folder}/{finding.specs[0]}.svg)"
            lines += [
                "",
                f"## {finding.name}",
                "",
                f"**{finding.claim}** {answer.words}.",
                "",
                picture,
                "",
                f"Reports: {reports}.",
            ]
    return "\n".join(lines) + "\n"
