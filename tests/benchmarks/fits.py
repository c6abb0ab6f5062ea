"""What the runner costs: estimators fitted by thermo against the same fits by plain joblib, whole processes, two workers each.

    python tests/benchmarks/fits.py [ROUNDS [WORD]]

WORD chooses the cases whose name holds it.

joblib fits the same estimators with the same seeds on the same examples, and computes for each the same answers on its own
examples and on the test set with their loss and accuracy; thermo also keeps structures, errors and answers on disk. Each round
runs both in turns; the ratio is that of the same round. Start-up counts for both, and is also timed with two small fits.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = {  # name: estimator, arguments, data, replicas
    "LogisticRegression, digits": ("sklearn.linear_model:LogisticRegression", "{C: 1.0, max_iter: 200}", "digits", 300),
    "RandomForest, digits": ("sklearn.ensemble:RandomForestClassifier", "{n_estimators: 100}", "digits", 60),
    "HistGradientBoosting, digits": ("sklearn.ensemble:HistGradientBoostingClassifier", "{max_iter: 30}", "digits", 12),
    "LogisticRegression, 100,000 rows": ("sklearn.linear_model:LogisticRegression", "{}", "table", 60),
    "RandomForest, 100,000 rows": (
        "sklearn.ensemble:RandomForestClassifier",
        "{n_estimators: 20, max_depth: 12}",
        "table",
        4,
    ),
    "HistGradientBoosting, 100,000 rows": (
        "sklearn.ensemble:HistGradientBoostingClassifier",
        "{max_iter: 100}",
        "table",
        8,
    ),
    "LightGBM, digits": ("lightgbm:LGBMClassifier", "{n_estimators: 100, verbosity: -1}", "digits", 24),
    "LightGBM, 100,000 rows": ("lightgbm:LGBMClassifier", "{n_estimators: 100, verbosity: -1}", "table", 24),
}
DATA = {
    "digits": "{use: digits}",
    "table": '{use: "sklearn.datasets:make_classification", with: {n_samples: 142858, n_features: 20, n_informative: 10, '
    "random_state: 0}, test_fraction: 0.3, scale: none}",
}
SPEC = """\
name: fits
data: {data}
system: {{use: "{use}", with: {arguments}}}
dynamics: {{use: fit}}
ensemble: {{replicas: {replicas}, seed: 1, controls: {{same_bath: 0}}}}
observe: {{macro: [loss, accuracy], micro: []}}
"""
JOBLIB = """\
import sys
from pathlib import Path
import joblib
import numpy as np
from sklearn.metrics import accuracy_score, log_loss
from thermo_cli.data.split import load_dataset
from thermo_cli.data.subsample import draw_subsamples
from thermo_cli.replicas import replica_table
from thermo_cli.spec import load_spec
from thermo_cli.kinds.estimators.pipeline import pipeline
from thermo_cli.trust import Trust, set_trust

set_trust(Trust(("lightgbm",), Path()))

def fit(estimator, x, y, x_test, y_test):
    estimator.fit(x, y)
    found = []
    for features, targets in ((x, y), (x_test, y_test)):
        answers = estimator.predict_proba(features)
        found += [log_loss(targets, answers), accuracy_score(targets, answers.argmax(axis=1))]
    return found

spec = load_spec(sys.argv[1])
data = load_dataset(spec.data, Path())
rows = replica_table(spec)
tasks = []
for row, chosen in zip(rows, draw_subsamples(spec, len(data.y), rows), strict=True):
    tasks.append(joblib.delayed(fit)(pipeline(spec.system, data.task, row.init).estimator, data.x[chosen], data.y[chosen],
                                     data.x_test, data.y_test))
with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
    print(len(joblib.Parallel()(tasks)))
"""


def seconds(words: list[str], folder: str) -> float:
    """Run a process to its end and return how long it took."""
    start = time.perf_counter()
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def case(use: str, arguments: str, data: str, replicas: int, rounds: int) -> tuple[list[float], list[float]]:
    """Time both on one case, and return the seconds of each round."""
    times: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        spec, script = Path(folder, "fits.yaml"), Path(folder, "plain.py")
        spec.write_text(SPEC.format(use=use, arguments=arguments, data=DATA[data], replicas=replicas))
        script.write_text(JOBLIB)
        allow = ["--allow", "lightgbm"]
        ours = [sys.executable, "-m", "thermo_cli.cli.run", str(spec), "--fresh", "--workers", "2", *allow]
        theirs = [sys.executable, str(script), str(spec)]
        for number in range(rounds):
            for side in (0, 1) if number % 2 else (1, 0):
                times[side].append(seconds([ours, theirs][side], folder))
    return times


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    small = case("sklearn.naive_bayes:GaussianNB", "{}", "digits", 2, rounds)
    start = [statistics.median(times) for times in small]
    print("| fits | replicas | joblib, s | thermo, s | ratio | ratio without start-up |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, (use, arguments, data, replicas) in CASES.items():
        if word not in name:
            continue
        ours, theirs = case(use, arguments, data, replicas, rounds)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        work = [(a - start[0]) / (b - start[1]) for a, b in zip(ours, theirs, strict=True)]
        print(
            f"| {name} | {replicas} | {statistics.median(theirs):.1f} | {statistics.median(ours):.1f} | "
            f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f}) | {statistics.median(work):.2f} |",
            flush=True,
        )
    print(f"\nStart-up, two small fits: joblib {start[1]:.1f} s, thermo {start[0]:.1f} s; {rounds} rounds.")


if __name__ == "__main__":
    main()
