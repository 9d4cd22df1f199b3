"""Thin client of the Touchstone reward gateway."""
