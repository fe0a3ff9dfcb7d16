"""One call, one question: a shop in, a small table of estimates with their counts out."""
