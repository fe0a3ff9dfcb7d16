"""The workshop: self-checks, ten customers to see it by hand, learner copies, and a check of the laptop.

Nothing heavy is imported here, so that `python -m retainkit.workshop.laptop` runs where packages are missing.
"""
