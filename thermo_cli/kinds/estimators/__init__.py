"""Estimators: scikit-learn and its like, one fit after the other."""
