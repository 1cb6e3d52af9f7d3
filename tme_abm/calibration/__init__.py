"""Calibration: fit the numbers whose basis is "fitted" to targets with sources."""
