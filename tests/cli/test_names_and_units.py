"""Scores as people log them: in shares or per cent, and with whatever in their names."""

from pathlib import Path

from tests.conftest import Command


def test_per_cent_and_shares_do_not_compare(tmp_path: Path, command: Command) -> None:
    """30 % is not better than 0.8."""
    for name, level in (("shares", 0.8), ("per-cent", 30.0)):
        rows = [f"{r},{t},test_accuracy,{level * (1 + 0.001 * r)}" for r in range(12) for t in range(20)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["replica,step,observable,value", *rows]))
    done = command("thermo-report", "per-cent.csv", "--baseline", "shares.csv", "--require", "not-worse", cwd=tmp_path)
    assert (done.returncode, "test_accuracy: in per cent (baseline: in shares)" in done.stderr) == (2, True), (
        done.stderr
    )


def test_a_margin_for_a_score_with_an_equals_sign_in_its_name(tmp_path: Path, command: Command) -> None:
    """The last one parts name and number."""
    rows = [f"{r},{t},recall@k=5,{0.5 + 0.001 * r}" for r in range(12) for t in range(20)]
    (tmp_path / "k.csv").write_text("\n".join(["replica,step,observable,value", *rows]))
    done = command("thermo-report", "k.csv", "--margin", "recall@k=5=0.02", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no observable has a margin" not in done.stdout
