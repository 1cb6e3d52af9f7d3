"""The benchmark: the cost of a step by cell, voxel and process, and its comparison with the best costs so far."""
