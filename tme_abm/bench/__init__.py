"""The benchmark: the cost of a step by process, cell and voxel, and its comparison with earlier ones."""
