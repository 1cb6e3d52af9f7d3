"""Looking at a tissue without touching it: metrics, the state of a tumor, snapshots."""
