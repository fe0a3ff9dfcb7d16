"""What the kit costs: CPU time against a plain scan of the same columns, memory, and the tools it stands beside."""
