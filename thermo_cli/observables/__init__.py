"""Macroscopic quantities: what can be seen of a replica from outside."""
