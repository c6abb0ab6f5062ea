"""Skill: is the ensemble better than always giving one answer? Where not, it keeps its verdict, and its sentence says so."""

import numpy as np

from thermo_cli.contracts import Skill
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.interval import ROUNDING
from thermo_cli.equilibrium.statistics.trimmed import mean_interval


def skill(ensemble: Ensemble) -> dict[str, Skill]:
    """Hold every score with a margin against that of the constant predictor.

    Better is where Yuen's bound of the final trimmed mean lies a margin or more beyond the constant's score, on the good side;
    no better where the other bound lies less than a margin beyond it; else it is open.
    """
    question, settings, skills = ensemble.question, ensemble.settings, {}
    for name, margin in ensemble.margins.items():
        if name not in question.constants or name not in question.higher:
            continue
        constant, sign = question.constants[name], 1 if question.higher[name] else -1
        least, trim = ensemble.least_variance(name), settings.trim
        known = mean_interval(sign * (ensemble.finals[name] - constant), settings.alpha, trim, least)
        better = None
        if question.independent and np.isfinite(known.upper):
            delta = margin.delta * (1 - ROUNDING)
            better = True if known.lower >= delta else False if known.upper < delta else None
        skills[name] = Skill(constant, better, question.constant_answer)
    return skills
