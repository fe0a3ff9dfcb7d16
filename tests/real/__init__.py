"""Public data sets: mappings that read them, and the claims of the articles put to the test on each."""
