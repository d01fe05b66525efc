"""Drift watch: does the device hear what the model was calibrated with? docs/decisions/drift.md says how and why."""
