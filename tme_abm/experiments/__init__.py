"""Experiments: run a scenario and keep it, resume it, compare scenarios over replicates."""

from __future__ import annotations
