"""The twelve claims: from the verdict files of each to what was seen, whether that is what is claimed, and where it is not."""

from verdict_numbers import (
    AT_REST,
    Content,
    Finding,
    Found,
    Told,
    along,
    between,
    level,
    listed,
    micro,
    num,
    points,
    rises,
    score,
    spread,
    verdict,
)


def _same_performance(found: Found) -> Told:
    names = {name: name.removeprefix("01-same-performance").lstrip("-") or "digits" for name in found}
    lines = [f"{names[n]}: {verdict(one)}, accuracy {score(one)}, Q* {between(one)}" for n, one in found.items()]
    apart = [one["outcomes"].get("diversity") == "holds" for one in found.values()]
    lines.append(f"different models in {sum(apart)} of {len(apart)}, by Q* of pairs on one bath below 0.9")
    return Told(all(one["verdict"] in AT_REST for one in found.values()) and any(apart), lines)


def _crystal(found: Found) -> Told:
    lines = []
    for name, one in found.items():
        shared, apart = one["microscopic"]["overlap"]["same_bath"]["estimate"], micro(one)
        by = "by SGD" if name == "02-crystal" else "by a solver"
        order = f"Q* {num(shared, 3)} on one bath, {num(apart, 3)} across baths"
        lines.append(f"{by}: {verdict(one)}, accuracy {score(one)}, {order}")
    return Told(all(one["verdict"] == "crystallized" for one in found.values()), lines)


def _history(found: Found) -> Told:
    first, lost = found["03-history"], []
    paths = ", ".join(first["macroscopic"]["test_accuracy"]["histories"])
    lines = [f"{verdict(first)} from {paths}: history {first['outcomes']['history']}"]
    for name in ("short", "lazy", "narrow", "decayed"):
        one = found[f"03-history-{name}"]
        outcomes = one["outcomes"]["history"], one["outcomes"]["agreement"]
        lines.append(f"{name}: {verdict(one)}, history {outcomes[0]}, agreement {outcomes[1]}")
        lost += [name] if "fails" in outcomes else []
    return Told(
        first["outcomes"]["history"] == "holds" and bool(lost),
        lines,
        f"the path, or the start, still decides where training is {', '.join(lost)}",
    )


def _quench(found: Found) -> Told:
    lines, grows = [], []
    for name, one in found.items():
        rates = along(one, "dynamics.with.lr")
        gaps = [[_gap(point) for point in by_rate] for by_rate in rates.values()]
        grows += [rises([row[column] for row in gaps]) for column in range(len(gaps[0]))]
        least, most = min(one["points"], key=_gap), max(one["points"], key=_gap)
        ends = " to ".join(f"{num(_gap(one))} ({_rate(one)})" for one in (least, most))
        lines.append(f"{'network' if name.endswith('network') else 'linear model'}: the energy falls by {ends}")
    lines.append(f"the gap grows with the rate at {sum(grows)} of {len(grows)} batch sizes")
    return Told(all(grows), lines)


def _gap(one: Content) -> float:
    """Return by how much the energy falls when the rate is annealed to zero, on average."""
    return float(one["diagnostics"]["quench_gap"]["mean"])


def _rate(one: Content) -> str:
    return f"rate {one['point']['dynamics.with.lr']:g}, batch {one['point']['dynamics.batch_size']}"


def _entropy(found: Found) -> Told:
    lines, up = [], []
    for one, start in zip(found.values(), ("one start", "independent starts"), strict=True):
        course = one["microscopic"]["dispersion"]["between"]
        up.append(rises(list(course.values())))
        words = ", ".join(f"{num(value)} at step {step}" for step, value in course.items())
        lines.append(
            f"from {start}, mean log variance over that of the null: {words}: {'rises' if up[-1] else 'falls'}"
        )
    but = (
        ""
        if up[1]
        else "from independent starts dispersion falls: once symmetries are removed, training orders what chance spread"
    )
    return Told(up[0], lines, but)


def _regularizers(found: Found) -> Told:
    (one,) = found.values()
    decays = along(one, "dynamics.with.weight_decay")
    shares = {decay: sum(map(_share, several)) / len(several) for decay, several in decays.items()}
    lines = [
        f"decay {decay:g}: {num(100 * shares[decay])} % of the energy at rest is the penalty; by dropout 0, 0.2, 0.5: "
        f"{', '.join(point['verdict'] for point in several)}"
        for decay, several in decays.items()
    ]
    decayed = {decay: several for decay, several in decays.items() if decay}
    rests = all(point["verdict"] in AT_REST for several in decayed.values() for point in several)
    falls = rises([-shares[decay] for decay in decayed])
    but = "its share falls as the decay grows, because the loss that it costs grows faster" if falls else ""
    return Told(rests and all(shares[decay] > 0.5 for decay in decayed), lines, but)


def _share(one: Content) -> float:
    energies = {name: state["mean"] for name, state in one["macroscopic"].items() if name.startswith("energy_")}
    return float(energies.get("energy_l2", 0.0)) / float(sum(energies.values()))


def _bath(found: Found) -> Told:
    diagram, noise, shift = found.values()
    lines = []
    by_share = along(diagram, "ensemble.subsample.fraction")
    for share, several in by_share.items():
        verdicts = ", ".join(point["verdict"] for point in several)
        lines.append(f"{share:g} of the pool: {verdicts} at rising rates, sd {num(_mean(several))}")
    felt = []
    for one, what in ((noise, "wrong labels"), (shift, "covariate shift")):
        steps = [
            point["diagnostics"]["field_response"]
            for _, point in points(one)
            if "field_response" in point["diagnostics"]
        ]
        felt.append([step["observables"]["test_accuracy"]["in_sd"] for step in steps])
        lines.append(f"{what}: accuracy {listed(one, score)}; each step moves it by {', '.join(map(num, felt[-1]))} sd")
    small, large = (_mean(list(by_share.values())[place]) for place in (0, -1))
    return Told(large < small and min(felt[0]) < -1, lines)


def _mean(several: list[Content]) -> float:
    return sum(map(spread, several)) / len(several)


def _parts(found: Found) -> Told:
    lines, turned, against = [], [], []
    for name, one in found.items():
        title = name.removeprefix("08-parts").lstrip("-") or "width"
        first, *_, last = (point["verdict"] in AT_REST for _, point in points(one))
        turned += [title] if last and not first else []
        against += [title] if first and not last else []
        lines.append(f"{title}: " + listed(one, lambda p: f"{p['verdict']}, sd {num(spread(p))}"))
    but = f"it is the other way round in {', '.join(against)}" if against else ""
    return Told("width" in turned, [*lines, f"no rest with few parts, and rest with many: {', '.join(turned)}"], but)


def _ergodicity(found: Found) -> Told:
    network, harmonic, heated = found.values()

    def order(one: Content) -> str:
        return f"{one['phase']}, Q* {num(micro(one))} between replicas, {num(micro(one, part='self'))} with itself T/2 earlier"

    lines = [
        f"network: {verdict(network)}, {order(network)}",
        f"harmonic system: {verdict(harmonic)}, {order(harmonic)}",
    ]
    lines += [f"network in a heat bath of temperature {where}: {order(one)}" for where, one in points(heated)]
    fluid = [where for where, one in points(heated) if one["phase"] == "fluid"]
    but = (
        f"a network in a bath of temperature {', '.join(fluid)} wanders as far as its replicas differ" if fluid else ""
    )
    return Told(network["phase"] == "amorphous" and harmonic["phase"] == "fluid", lines, but)


def _window(found: Found) -> Told:
    (one,) = found.values()
    names = ("test_calibration_error", "shifted_accuracy", "test_loss")

    def say(point: Content) -> str:
        others = ", ".join(f"{name.replace('_', ' ')} {num(level(point, name))}" for name in names)
        return f"accuracy {num(level(point), 3)}, {others}, disagreement {num(micro(point, 'disagreement'))}"

    accuracies = [level(point) for _, point in points(one)]
    errors = [level(point, names[0]) for _, point in points(one)]
    alike, apart = max(accuracies) - min(accuracies), max(errors) / min(errors)
    lines = [f"decay {where}: {say(point)}" for where, point in points(one)]
    lines.append(f"accuracies within {num(alike)}, calibration errors apart by a factor of {num(apart)}")
    return Told(alike < 0.02 and apart > 2, lines)


def _metastability(found: Found) -> Told:
    grokking, wells = found.values()
    at = [point["verdict"] in AT_REST for _, point in points(grokking)]
    cold, *_, hot = (point["verdict"] for _, point in points(wells))
    lines = [f"grokking, step {where}: {p['verdict']}, accuracy {num(level(p))}" for where, p in points(grokking)]
    lines.append("two wells by temperature: " + listed(wells, lambda p: str(p["verdict"])))
    return Told(at[-1] and not any(at[:-1]) and cold == "glassy" and hot in AT_REST, lines)


def _snowflake(found: Found) -> Told:
    one, rates = found.values()

    def order(point: Content) -> str:
        layers = ", ".join(num(state["estimate"]) for state in point["microscopic"]["overlap"]["layers"].values())
        alike = point["microscopic"]["similarity"]
        return (
            f"Q* {num(micro(point))} (layers {layers}), CKA {num(alike['estimate'])} (untrained {num(alike['null'])})"
        )

    low, high = one["microscopic"]["overlap"]["interval"]
    return Told(
        low > 0 and high < 0.9, [f"{verdict(one)}: {order(one)}", *(f"rate {w}: {order(p)}" for w, p in points(rates))]
    )


CLAIMS = (
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
        "The outcome forgets the training trajectory.",
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
        ("08-parts", "08-parts-depth", "08-parts-xor", "08-parts-parity", "08-parts-trees", "08-parts-tree-depth"),
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
)
