"""Microscopic quantities: parameters compared with parameters."""
