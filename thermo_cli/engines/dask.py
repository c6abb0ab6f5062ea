"""The engine elsewhere: a Dask cluster that is started here, as jobs of SLURM, or that somebody runs at an address.

Each worker has one task at a time, pinned to it, in a process beside its own (`apart`). A task whose process dies is tried
again, last; a worker that is lost costs what it had not committed. What rounds otherwise, or cannot import this package, is
refused before its first task. The scheduler must be one that is trusted: tasks and errors travel as pickles.
"""

import atexit
import contextlib
import json
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from thermo_cli.engines.apart import BEFORE, ProcessDiedError, run_apart
from thermo_cli.engines.engine import Outcome, TaskError, TaskT
from thermo_cli.engines.interrupts import Interrupts
from thermo_cli.engines.workers import usable_cores
from thermo_cli.errors import UsageError
from thermo_cli.isolation import isolated_environment
from thermo_cli.rounding import rounding

ATTEMPTS: Final = 3  # of a task whose process dies
LOSSES: Final = 20  # workers that may be lost under a task: it is rarely the task's fault
PATIENCE_SECONDS: Final = {"local": 60.0, "slurm": 900.0}  # for the first worker, and for another where all are lost
TICK_SECONDS: Final = 0.2
QUIET: Final = "127.0.0.1:0"  # pages of a cluster's own, for nobody else
PROBE_SECONDS: Final = 60.0


class DaskEngine:
    """Workers of a Dask cluster.

    Args:
        workers: Of a cluster that is started, as many as there are cores here if None; of one at an address, at most.
        scheduler: `local`, `slurm`, or an address such as `tcp://host:8786`.
        mixed: Whether workers of other versions and processors are taken.
    """

    def __init__(self, workers: int | None = None, scheduler: str = "local", mixed: bool = False) -> None:
        _check_installed(scheduler)
        self._started = scheduler in PATIENCE_SECONDS
        self._most = workers
        self._scheduler, self._mixed = scheduler, mixed
        self._patience = PATIENCE_SECONDS.get(scheduler, PATIENCE_SECONDS["local"])
        self._open: Any = None
        self._known: set[str] = set()  # workers that were looked at

    @property
    def workers(self) -> int:
        """Tasks at the same time, at most: of a cluster at an address, as many as it has workers."""
        if self._started:
            return self._most or usable_cores()
        there = len(_addresses(self._client()))
        return min(there, self._most or there)

    def ready(self, modules: Sequence[str], most: int) -> AbstractContextManager[None]:
        """Hold nothing more: a cluster stays open for a whole command, and so do the processes beside its workers."""
        return contextlib.nullcontext()

    def run(
        self,
        function: Callable[[TaskT], str],
        tasks: Sequence[TaskT],
        tick: Callable[[], None],
        stop: Callable[[], None],
    ) -> Outcome[TaskT]:
        """Run a function on every task, one at a time on each worker; a second interrupt gives up what is running."""
        client = self._client()  # an interrupt ends the wait for it
        with Interrupts().counted() as interrupts:

            def look() -> None:
                tick()
                interrupts.check()

            session = _Session(client, function, self._usable, look, self._patience)
            try:
                session.run(deque(tasks))
            except KeyboardInterrupt:
                session.interrupt(stop)
            except BaseException:
                session.give_up()
                with contextlib.suppress(OSError):
                    stop()  # what runs on a cluster of somebody else's would go on
                raise
        return session.outcome

    def close(self) -> None:
        """Close what was opened: a cluster of somebody else's goes on."""
        client, self._open = self._open, None
        if client is not None:
            cluster = client.cluster
            client.close()
            if cluster is not None:
                cluster.close()
            for name in os.environ.keys() - self._environment:  # nannies of a cluster here leave theirs
                del os.environ[name]
            os.environ.update(self._environment)

    def _client(self) -> Any:
        """Return the client, which is opened once in a command and closed at its end."""
        if self._open is None:
            self._environment = dict(os.environ)
            self._open = _opened(self._scheduler, self._most or usable_cores(), self._patience)
            atexit.register(self.close)
        return self._open

    def _usable(self) -> list[str]:
        """Return the workers that are there, each looked at before its first task.

        Raises:
            UsageError: One rounds otherwise than this machine, or cannot import this package.
        """
        there = _addresses(self._client())
        new = [address for address in there if address not in self._known]
        if new:
            for address, answer in self._client().run(_probe(), workers=new, on_error="return").items():
                if isinstance(answer, OSError):
                    continue  # it was lost meanwhile, or will be asked again
                self._known.add(address)
                _compare(address, answer, self._mixed)
        usable = [address for address in there if address in self._known]
        return usable if self._started else usable[: self._most]


class _Session:
    """One call of an engine: which worker has which task, and what has become of them."""

    def __init__(
        self,
        client: Any,
        function: Callable[[Any], str],
        usable: Callable[[], list[str]],
        look: Callable[[], None],
        patience: float,
    ) -> None:
        self.client, self.function, self.usable, self.look, self.patience = client, function, usable, look, patience
        self.outcome: Outcome[Any] = Outcome()
        self.running: dict[str, tuple[Any, Any]] = {}  # worker to its task and the future of it
        self.deaths: Counter[Any] = Counter()
        self.losses: Counter[Any] = Counter()

    def run(self, queue: "deque[Any]") -> None:
        """Give tasks to workers as they get free, until none is left."""
        seen = time.monotonic()
        while queue or self.running:
            there = self.usable()
            seen = time.monotonic() if there else seen
            if time.monotonic() - seen > self.patience:
                raise UsageError(
                    "the cluster has no workers",
                    received=f"none for {self.patience:.0f} s, {len(queue) + len(self.running)} tasks left",
                    remedy="start workers (dask worker ADDRESS), or see what became of its jobs; what is committed is kept",
                )
            for worker in there:
                if queue and worker not in self.running:
                    self._submit(worker, queue.popleft())
            self._wait()
            for worker, (task, future) in list(self.running.items()):
                if future.done():
                    del self.running[worker]
                    self._answered(task, future, queue)
                elif worker not in there and worker not in self.usable():
                    del self.running[worker]
                    future.cancel(force=True)
                    self._lost(task, queue, self.losses, LOSSES)

    def interrupt(self, stop: Callable[[], None]) -> None:
        """Tell running tasks to stop and wait for them; give them up when the user interrupts again."""
        self.outcome.interrupted = True
        stop()
        try:
            while self.running:
                self._wait()
                there = self.usable()
                for worker, (task, future) in list(self.running.items()):
                    if future.done() or worker not in there:
                        del self.running[worker]
                        if future.status == "finished":
                            self.outcome.returned[task] = future.result()
        except KeyboardInterrupt:
            self.give_up()

    def give_up(self) -> None:
        """Wait for nothing that is running."""
        for _, future in self.running.values():
            future.cancel(force=True)

    def _submit(self, worker: str, task: Any) -> None:
        future = self.client.submit(
            run_apart, self.function, task, workers=[worker], allow_other_workers=False, pure=False, retries=0
        )
        self.running[worker] = (task, future)

    def _wait(self) -> None:
        from distributed import wait

        with contextlib.suppress(TimeoutError):
            futures = [future for _, future in self.running.values()]
            if futures:
                wait(futures, timeout=TICK_SECONDS, return_when="FIRST_COMPLETED")
            else:
                time.sleep(TICK_SECONDS)
        self.look()

    def _answered(self, task: Any, future: Any, queue: "deque[Any]") -> None:
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        if future.status == "finished":
            self.outcome.returned[task] = future.result()
        elif error is None or isinstance(error, KilledWorker):  # cancelled or lost with the worker
            self._lost(task, queue, self.losses, LOSSES)
        elif isinstance(error, ProcessDiedError):
            self._lost(task, queue, self.deaths, ATTEMPTS)
        else:
            self.outcome.failed[task] = error

    def _lost(self, task: Any, queue: "deque[Any]", counts: "Counter[Any]", most: int) -> None:
        """Have a task tried again after all others, unless it has been tried often enough."""
        counts[task] += 1
        if counts[task] < most:
            queue.append(task)
        else:
            self.outcome.failed[task] = TaskError("the worker process died (killed, or out of memory)")


def _check_installed(scheduler: str) -> None:
    try:
        import distributed  # noqa: F401

        if scheduler == "slurm":
            with _signals_kept():
                import dask_jobqueue  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Dask is not installed", received=str(error), remedy="pip install 'thermo-cli[dask]'"
        ) from None


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what answers SIGINT: importing dask_jobqueue puts something that exits with 0 in its place."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _opened(scheduler: str, workers: int, patience: float) -> Any:
    """Start or find a cluster, wait for its first worker, and return a client of it."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.scheduler.allowed-failures": LOSSES, "distributed.admin.low-level-log-length": 0})
    isolated = isolated_environment()
    before = json.dumps({name: os.environ.get(name) for name in isolated})
    for name, value in {**isolated, BEFORE: before}.items():  # of processes that replace lost ones too
        dask.config.set({f"distributed.nanny.pre-spawn-environ.{name}": value})
    cluster = None
    try:
        if scheduler == "local":
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=QUIET, silence_logs=50
            )
        elif scheduler == "slurm":
            with _signals_kept():
                from dask_jobqueue import SLURMCluster
            dask.config.set({"distributed.deploy.lost-worker-timeout": "1s"})
            cluster = SLURMCluster(scheduler_options={"dashboard_address": QUIET})
            cluster.adapt(minimum=workers, maximum=workers)  # a lost job is replaced
        client = Client(scheduler if cluster is None else cluster, timeout=PROBE_SECONDS / 2)
        client.wait_for_workers(1, timeout=patience)
    except BaseException as error:
        if cluster is not None:
            cluster.close()
        if not isinstance(error, OSError | ValueError | RuntimeError):
            raise
        raise UsageError(
            "there is no Dask cluster",
            received=f"--scheduler {scheduler}: {error}",
            remedy="local, slurm with a jobqueue.yaml that works, or the address of a scheduler that has workers",
        ) from None
    return client


def _addresses(client: Any) -> list[str]:
    """Return the addresses of the workers that are there, in the order in which they came.

    Raises:
        UsageError: The scheduler is there no more.
    """
    try:
        return list(client.scheduler_info(n_workers=-1)["workers"])
    except OSError as error:
        raise UsageError(
            "the scheduler of the cluster cannot be reached any more",
            received=error,
            remedy="give the same command again where there is one: what is committed is kept",
        ) from None


def _probe() -> Callable[[], dict[str, str]]:
    """Return a function that travels whole, as workers that cannot import this package must be able to say so."""

    def probe() -> dict[str, str]:
        from thermo_cli.rounding import rounding

        return rounding()

    return probe


def _compare(address: str, answer: Any, mixed: bool) -> None:
    """Refuse a worker on which the same training would give other numbers."""
    if isinstance(answer, Exception):
        raise UsageError(
            "a worker of the cluster cannot import thermo",
            received=f"{address}: {type(answer).__name__}: {answer}",
            remedy="install the same versions in the environment of its workers",
        )
    here = rounding()
    differs = [f"{name} {answer.get(name)}, here {value}" for name, value in here.items() if answer.get(name) != value]
    if differs and not mixed:
        raise UsageError(
            "a worker of the cluster rounds otherwise than this machine",
            received=f"{address}: {'; '.join(differs)}",
            remedy="use workers of one kind, here too; or ensemble.mixed_workers: true, which makes another run",
        )
