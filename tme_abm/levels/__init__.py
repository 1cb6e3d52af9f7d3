"""Levels: what cells meet in whole tumors, held against the half-max of every rule.

A tumor is run once and looked at on some days, in its core and at its margin. From what its cells sense then follow the
budget of a behavior, what each signal contributes to it (`budget`), the rules whose signal never comes near their
half-max, and the levels and densities that tumors have (`visit`). `survey` does this for several tumors, and records
the levels and densities of the shipped ones for those who ask whether a dose is one that tumors have.
"""
