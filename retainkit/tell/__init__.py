"""What the pages say: each function shows one sentence, or names one finding, made of metric tables.

A module a page. A sentence that any shop gives in the same words stands in the notebook itself; here is what depends on
what is known.
"""
