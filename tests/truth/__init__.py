"""The kit's statistical promises on simulated shops whose truth is known: `python -m tests.truth`, and README.md."""
