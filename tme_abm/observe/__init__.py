"""Read a tissue without changing it: metrics, the state of a tumor, snapshots."""
