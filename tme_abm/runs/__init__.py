"""Runs: simulate a scenario into a directory that is whole at every moment; resume it; branch from it."""
