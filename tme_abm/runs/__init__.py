"""Runs: a scenario simulated into a directory that is whole at every moment, gone on with, and branched."""
