"""Agent-based simulation of the tumor microenvironment on a lattice."""
