"""The monthly report: notebooks in, one folder of pages out."""
