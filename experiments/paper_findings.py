"""Published results that two cores can repeat: the paper's number or shape, what was seen here, and whether they agree."""

from verdict_numbers import Content, Finding, Found, Told, between, listed, micro, num, points, score


def _rebasin(found: Found) -> Told:
    (one,) = found.values()
    aligned = [micro(point, "barrier") or 0.0 for _, point in points(one)]
    lines = [
        f"width {w}: barrier {num(micro(p, 'barrier_raw'))} raw, {between(p, 'barrier')} aligned"
        for w, p in points(one)
    ]
    return Told(aligned[-1] < 0.1 * aligned[0], lines)


def _fort(found: Found) -> Told:
    (one,) = found.values()
    apart, own = one["microscopic"]["disagreement"]["interval"][0], micro(one, "disagreement", "self") or 0.0
    lines = [
        f"raw cosine of parameters {between(one, 'raw_cosine')}",
        f"disagreement {between(one, 'disagreement')} between replicas, {num(own)} of a replica with itself T/2 earlier",
    ]
    return Told((micro(one, "raw_cosine") or 1.0) < 0.1 and apart > own, lines)


def _frankle(found: Found) -> Told:
    (one,) = found.values()
    same, other = (micro(point, "barrier_raw") or 0.0 for _, point in points(one))
    return Told(
        other > 10 * max(same, 1e-3), [f"varied {w}: raw barrier {between(p, 'barrier_raw')}" for w, p in points(one)]
    )


def _kornblith(found: Found) -> Told:
    (one,) = found.values()
    layers = one["microscopic"]["similarity"]["layers"]
    lines = [
        f"{name}: unbiased CKA {num(state['estimate'])}, of untrained networks {num(state['null'])}"
        for name, state in layers.items()
    ]
    return Told(all(state["interval"][0] > state["null"] for state in layers.values()), lines)


def _jordan(found: Found) -> Told:
    (one,) = found.values()
    noise = [point["diagnostics"]["test_noise"] for _, point in points(one)]
    pairs = [(_percent(part["variance"]), _percent(part["distribution_wise"])) for part in noise]
    lines = [
        f"step {where}: sd of the accuracy {seen} %, distribution-wise {wise} %"
        for (where, _), (seen, wise) in zip(points(one), pairs, strict=True)
    ]
    return Told(noise[-1]["distribution_wise"] < noise[0]["distribution_wise"] / 4, lines)


def _percent(variance: float) -> str:
    """Write the standard deviation in percent; an unbiased variance may be negative."""
    return num(100 * max(variance, 0.0) ** 0.5)


def _jiang(found: Found) -> Told:
    (one,) = found.values()
    low, high = one["microscopic"]["generalization_gap"]["interval"]
    error = num(micro(one, "disagreement", "test_error"))
    lines = [
        f"disagreement {between(one, 'disagreement')}, test error {error}, difference {between(one, 'generalization_gap')}"
    ]
    return Told(max(abs(low), abs(high)) < 0.01, lines)


def _bouthillier(found: Found) -> Told:
    (one,) = found.values()
    budget = one["diagnostics"]["noise_budget"]["test_accuracy"]
    lines = [
        f"{name}: {num(100 * part['share'])} % of the variance, sd {num(part['sd'])}" for name, part in budget.items()
    ]
    sources = {name: part["share"] for name, part in budget.items() if name != "rest"}
    return Told(max(sources, key=lambda name: sources[name]) == "subsample", lines)


def _scales(found: Found) -> Told:
    (one,) = found.values()
    names = ("raw_cosine", "aligned_cosine", "overlap", "barrier_raw", "barrier", "disagreement", "similarity")

    def say(name: str) -> str:
        return f"{name.replace('_', ' ')}: " + listed(one, lambda point: between(point, name))

    barriers = [micro(point, "barrier") or 0.0 for _, point in points(one)]
    alone = all((micro(point, "raw_cosine") or 1.0) < 0.1 for _, point in points(one))
    return Told(alone and barriers[-1] < barriers[0], [f"accuracy: {listed(one, score)}", *map(say, names)])


def _picard(found: Found) -> Told:
    (one,) = found.values()
    state: Content = one["macroscopic"]["test_accuracy"]
    low, high = state["tolerance_interval"]
    lines = [
        f"accuracy {score(one)} over {one['run']['replicas']['planned']} seeds",
        f"85 % of fresh seeds lie from {num(low, 3)} to {num(high, 3)}",
        f"the test set's own error is {num(state['test_set_error'])}",
    ]
    but = "the spread of the seeds is smaller than the error of the test set that they are ranked by"
    return Told(state["sd"] < 0.01, lines, but if state["sd"] < state["test_set_error"] else "")


PAPERS = (
    Finding(
        "git-rebasin",
        "Ainsworth 2022: once units are matched, the barrier falls with the width (zero at 512 on MNIST).",
        ("git-rebasin",),
        _rebasin,
        "order-parameters",
    ),
    Finding(
        "fort",
        "Fort 2019: other starts give orthogonal parameters and other answers; two times of one run agree.",
        ("fort",),
        _fort,
        "overlap-distribution",
    ),
    Finding(
        "frankle",
        "Frankle 2020: from one start in another order there is no barrier, from other starts there is.",
        ("frankle",),
        _frankle,
        "order-parameters",
    ),
    Finding(
        "kornblith",
        "Kornblith 2019: corresponding layers of trained networks are alike, more than those of untrained ones.",
        ("kornblith",),
        _kornblith,
        "overlap-distribution",
    ),
    Finding(
        "jordan",
        "Jordan 2023: the distribution-wise variance collapses (CIFAR-10: sd .149 % seen, .033 % distribution-wise).",
        ("jordan",),
        _jordan,
        "order-parameters",
    ),
    Finding("jiang", "Jiang 2021: disagreement equals the test error.", ("jiang",), _jiang, "plane"),
    Finding(
        "bouthillier",
        "Bouthillier 2021: which examples a model sees moves its score more than its start or its batches.",
        ("bouthillier",),
        _bouthillier,
        "noise-budget",
    ),
    Finding(
        "picard",
        "Picard 2021: seeds differ (CIFAR-10: sd .23 points, 1.8 points between the best and the worst of 500).",
        ("picard",),
        _picard,
        "trajectory-test_accuracy",
    ),
    Finding(
        "scales",
        "What microscopic quantities are on digits, at three widths.",
        ("scales",),
        _scales,
        "order-parameters",
    ),
)
