"""What programs call the columns of their logs: times, clocks, scores, and whose rows they are."""

import re
from typing import Final

TIMES: Final = (
    "step",
    "global_step",
    "_step",
    "trainer/global_step",
    "iteration",
    "iter",
    "epoch",
)  # the first there is
REPLICAS: Final = ("replica", "seed", "run", "run_id", "run_name", "trial")  # the first there is
CLOCKS: Final = re.compile(r"_?(runtime|timestamp|seconds|elapsed|wall_?time|time)|.*(_runtime|_per_second)")
RATES: Final = re.compile(r"(.*[/_.-])?(lr|learning_rate|grad_norm|lr-.*)", re.IGNORECASE)  # set, or watched
HELD_OUT: Final = re.compile(r"(.*[/_.])?(test|val|valid|validation|eval|dev)([/_.].*)?", re.IGNORECASE)
