"""Engines take tasks and give outcomes."""
