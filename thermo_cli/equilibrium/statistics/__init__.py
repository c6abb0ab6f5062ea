"""Intervals and projections that the criteria rest on."""
