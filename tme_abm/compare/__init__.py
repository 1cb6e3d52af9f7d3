"""Runs side by side: replicates, arms, finished runs, and what differs with how much certainty."""
