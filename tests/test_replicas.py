"""The replica table decides everything random, and row k does not depend on how many follow."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermo_cli import rng
from thermo_cli.errors import SpecError
from thermo_cli.replicas import Block, control_rows, lay_out, main_rows, replica_table, shards, streams_used, to_csv
from thermo_cli.rng import STREAMS, StreamName
from thermo_cli.spec import load_spec
from thermo_cli.spec.size import Size, at
from thermo_cli.spec.sweeping import points_of


@given(
    seed=st.integers(0, 2**64 - 1),
    name=st.sampled_from(STREAMS),
    history=st.text(max_size=20).filter(lambda text: text.isprintable()),
    replica=st.integers(0, 200_000),
)
def test_streams_that_are_derived_together_are_those_of_numpy(
    seed: int, name: StreamName, history: str, replica: int
) -> None:
    """A block of streams has, at each place, what SeedSequence makes of the four values alone."""
    key = (STREAMS.index(name), replica, *history.encode())
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(4, np.uint32)
    assert rng.stream(seed, name, history, replica) == int.from_bytes(words.astype("<u4").tobytes(), "little")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (
            ["ensemble.replicas=100000", "histories={a: {}, b: {init_scale: 2.0}, c: {init_scale: 3.0}}"],
            "ensemble.replicas",
        ),
        (
            ["ensemble.design={crossed: {init: 1000, subsample: 1000, order: 1000}}", "histories={a: {}}"],
            "ensemble.design",
        ),
    ],
)
def test_a_table_that_no_process_could_hold_is_refused(small: Path, changes: list[str], field: str) -> None:
    """More than 200,000 main rows over histories, budgets and points: with the field that makes them so many."""
    with pytest.raises(SpecError, match="too many replicas") as caught:
        replica_table(load_spec(small, changes))
    assert caught.value.where == field


def test_streams_of_main_replicas_are_all_different(small: Path) -> None:
    """No stream appears twice, within or across histories and sources."""
    table = main_rows(replica_table(load_spec(small)))
    streams = [getattr(replica, name) for replica in table for name in STREAMS]
    assert len(set(streams)) == len(table) * len(STREAMS)


def test_more_replicas_or_histories_change_nobody(small: Path) -> None:
    """Replica 5 of 6 is replica 5 of 60, in the same slot, and a third history leaves the streams alone."""
    few = replica_table(load_spec(small))
    many = {replica.name: replica for replica in replica_table(load_spec(small, ["ensemble.replicas=60"]))}
    assert all(many[replica.name] == replica for replica in few)
    third = {r.name: r for r in replica_table(load_spec(small, ["histories.third={init_scale: 0.5}"]))}
    assert all(getattr(third[r.name], name) == getattr(r, name) for r in few for name in STREAMS)


def test_what_is_not_varied_is_shared_by_all(small: Path) -> None:
    """With `vary: [order]` every replica has the same initialization and examples."""
    table = main_rows(replica_table(load_spec(small, ["ensemble.vary=[order]"])))
    assert len({replica.init for replica in table}) == 1
    assert len({replica.subsample for replica in table}) == 1
    assert len({replica.order for replica in table}) == len(table)


def test_shards_hold_one_history_and_role_and_begin_at_their_name(small: Path) -> None:
    """Six replicas in shards of four are 4 + 2, per history; partners and twins have shards of their own."""
    groups = shards(replica_table(load_spec(small)))
    sizes = {name: len(members) for name, members in groups.items()}
    mains = {f"{history}-{first}": count for history in ("cold", "hot") for first, count in (("0000", 4), ("0004", 2))}
    assert sizes == mains | {"cold@same_bath-0000": 2, "cold@twin-0000": 1}
    assert all(len({(member.history, member.role) for member in members}) == 1 for members in groups.values())
    assert all([member.slot for member in members] == list(range(len(members))) for members in groups.values())


def test_no_shard_crosses_the_end_of_a_look(small: Path) -> None:
    """From 6 to 30: looks end at 8 (whole shards), 16 and 30; every piece lies between multiples of four."""
    spec = load_spec(small, ["ensemble.replicas={from: 6, to: 30}", "histories={cold: {}}"])
    groups = shards(main_rows(replica_table(spec)))
    assert [members[0].index for members in groups.values()] == list(range(0, 30, 4))
    whole = shards(main_rows(replica_table(load_spec(small, ["ensemble.replicas=30", "histories={cold: {}}"]))))
    assert [members[0].index for members in whole.values()] == list(range(0, 30, 4))


def test_what_is_on_disk_decides_first(small: Path) -> None:
    """Rows 8 and 9 lie in a file: the next ones begin another; a file with more rows than are asked for counts as a whole."""
    spec = load_spec(
        small, ["ensemble.replicas=20", "histories={cold: {}}", "ensemble.controls={same_bath: 0, twin: 0}"]
    )
    points = points_of(spec)
    stored = {(0, "cold"): [Block(8, 2, "cold-0008"), Block(17, 9, "old", 5)]}
    roster = lay_out(points, stored)
    first = {name: (members[0].index, len(members)) for name, members in roster.shards.items()}
    assert first == {
        **{f"cold-{index:04d}": (index, 4) for index in (0, 4)},
        "cold-0008": (8, 2),
        "cold-0010": (10, 2),
        "cold-0012": (12, 4),
        "cold-0016": (16, 1),
        "old": (17, 9),
    }
    assert [row.index for row in roster.rows] == list(range(20))
    assert [(row.shard, row.slot) for row in roster.rows[16:]] == [("cold-0016", 0), ("old", 5), ("old", 6), ("old", 7)]
    for row, plain in zip(roster.rows, replica_table(spec), strict=True):
        assert all(getattr(row, name) == getattr(plain, name) for name in STREAMS)


def test_the_csv_file_has_a_row_for_every_replica(small: Path) -> None:
    """Streams are written in full, so the table can be read without the code."""
    table = replica_table(load_spec(small))
    lines = to_csv(table, [74]).splitlines()
    assert lines[0].startswith(
        "replica,history,index,role,steps,shard,slot,subsample_size,part,init,subsample,order,noise"
    )
    assert len(lines) == len(table) + 1
    assert f"{table[3].order:032x}" in lines[4]


def test_budgets_repeat_every_replica_with_its_own_streams(small: Path) -> None:
    """Under a schedule T/4 and T/2 are trained too; at a constant rate the trajectory is enough."""
    spec = load_spec(small, ["dynamics.schedule=cosine", "observe.budgets=true"])
    table = replica_table(spec)
    main = {row.name: row for row in main_rows(table)}
    small_budgets = [row for row in table if row.role == "budget"]
    assert len(small_budgets) == 2 * len(main)
    for row in small_budgets:
        twin = main[f"{row.history}/{row.index}"]
        assert row.steps in (100, 200)
        assert all(getattr(row, name) == getattr(twin, name) for name in STREAMS)
    assert len({row.shard for row in small_budgets}) == 2 * len({row.shard for row in main.values()})
    assert not [row for row in replica_table(load_spec(small, ["observe.budgets=true"])) if row.role == "budget"]


def test_a_crossed_design_has_every_combination_once(small: Path) -> None:
    """Three inits x two subsamples x two orders: twelve replicas, each stream shared as often as it must be."""
    design = "ensemble.design={crossed: {init: 3, subsample: 2, order: 2}}"
    table = replica_table(load_spec(small, [design, "histories={cold: {}}"]))
    assert len(table) == 12
    assert len({(row.init, row.subsample, row.order) for row in table}) == 12
    assert [len({getattr(row, name) for row in table}) for name in STREAMS] == [3, 2, 2, 12]
    assert [row.init for row in table] == sorted((row.init for row in table), key=[r.init for r in table].index)


def test_controls_belong_to_replicas_of_the_first_history(small: Path) -> None:
    """A partner has the bath of its main replica and nothing else of it; a twin has everything of it."""
    table = replica_table(load_spec(small, ["ensemble.controls={same_bath: 3, twin: 2}"]))
    partners, twins = control_rows(table, "same_bath"), control_rows(table, "twin")
    assert [main.name for main in partners] == ["cold/0", "cold/1", "cold/2"]
    assert [main.name for main in twins] == ["cold/0", "cold/1"]
    for main, partner in partners.items():
        assert (partner.subsample, partner.part) == (main.subsample, main.part)
        assert not {partner.init, partner.order, partner.noise} & {main.init, main.order, main.noise}
    for main, twin in twins.items():
        assert all(getattr(twin, name) == getattr(main, name) for name in STREAMS)
    assert len({row.name for row in table}) == len(table)
    more = replica_table(load_spec(small, ["ensemble.controls={same_bath: 3, twin: 2}", "ensemble.replicas=60"]))
    assert control_rows(more, "same_bath") == partners


@pytest.mark.parametrize(
    ("changes", "pairs"),
    [
        ([], 8),
        (["system={use: linear}"], 19),
        (["system={use: linear}", "dynamics.with.weight_decay=0.0"], 8),
        (["system={use: linear}", "ensemble.controls.same_bath=5"], 5),
        (["system={use: linear}", "equilibrium.confidence=0.975"], 23),
        (["system={use: linear}", "equilibrium.content=0.5"], 8),
        (["system={use: linear}", "ensemble.replicas=10"], 10),
        (["system={use: linear}", "ensemble.replicas={from: 32, to: 128}"], 32),
        (["system={use: linear}", "dynamics.steps={from: 60, to: 120}"], 27),
        (["system={use: 'sklearn.linear_model:Ridge'}", "dynamics={use: fit}", "histories={cold: {}}"], 19),
        (["system={use: 'sklearn.tree:DecisionTreeClassifier'}", "dynamics={use: fit}", "histories={cold: {}}"], 8),
    ],
)
def test_one_optimum_has_as_many_partners_as_it_takes_to_tell(small: Path, changes: list[str], pairs: int) -> None:
    """ceil(ln alpha_k / ln content), and 8 elsewhere; what is stated stays; never more than replicas."""
    fixed = ["ensemble.replicas=40", "ensemble.controls={}", "dynamics.with.weight_decay=0.01"]
    spec = load_spec(small, [*(fixed if "fit" not in str(changes) else fixed[:2]), *changes])
    assert len(control_rows(replica_table(spec), "same_bath")) == pairs


def test_partners_grow_with_the_looks(small: Path) -> None:
    """23, 27 and 32 at the levels alpha / 2, / 4 and / 8; those of a look are the first of the next one's."""
    changes = ["system={use: linear}", "dynamics.with.weight_decay=0.01", "ensemble.controls={}"]
    spec = load_spec(small, [*changes, "ensemble.replicas={from: 32, to: 128}"])
    looks = [
        list(control_rows(replica_table(at(spec, Size(count, spec.total))), "same_bath").values())
        for count in (32, 64, 128)
    ]
    assert [len(rows) for rows in looks] == [23, 27, 32]
    assert [row.noise for row in looks[2]][:23] == [row.noise for row in looks[0]]


def test_partners_share_what_is_not_varied(small: Path) -> None:
    """Where only the mini-batches vary, partners differ in them alone; a crossed design has no controls."""
    table = replica_table(load_spec(small, ["ensemble.vary=[order]"]))
    for main, partner in control_rows(table, "same_bath").items():
        assert (partner.init, partner.noise) == (main.init, main.noise)
        assert partner.order != main.order
    crossed = ["ensemble.design={crossed: {init: 3, subsample: 2, order: 2}}", "histories={cold: {}}"]
    assert {row.role for row in replica_table(load_spec(small, crossed))} == {"main"}


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ([], {"init", "subsample", "order"}),
        (["dynamics.batch_size=full"], {"init", "subsample"}),
        (["dynamics.batch_size=74"], {"init", "subsample"}),
        (["histories.cold={first: {steps: 10, labels: shuffled}}"], {"init", "subsample", "order", "noise"}),
    ],
)
def test_randomness_that_is_used(small: Path, changes: list[str], used: set[str]) -> None:
    """Full batches have no order; only first phases draw from `noise`, and only the histories that are asked about count."""
    assert streams_used(load_spec(small, changes), 74, 124) == used
    assert streams_used(load_spec(small, changes), 74, 124, ["hot"]) == used - {"noise"}
    assert "subsample" not in streams_used(load_spec(small, changes), 124, 124)


@given(st.integers(0, 2**64 - 1), st.sampled_from(STREAMS), st.text(max_size=20), st.integers(0, 10**6))
def test_streams_are_functions_of_their_names(seed: int, name: str, history: str, replica: int) -> None:
    """Equal arguments give equal streams and equal numbers; the next replica's are others."""
    one = rng.stream(seed, name, history, replica)
    assert one == rng.stream(seed, name, history, replica)
    assert one != rng.stream(seed, name, history, replica + 1)
    assert rng.generator(one, 3).random() == rng.generator(one, 3).random()
    assert rng.generator(one, 3).random() != rng.generator(one, 4).random()
