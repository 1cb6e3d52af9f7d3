"""Pure functions on arrays: no state, no randomness, no biology; numpy and scipy only."""
