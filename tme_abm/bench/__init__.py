"""The benchmark: what a step costs, by process, cell and voxel, and whether it got worse."""
