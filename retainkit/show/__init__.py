"""Showing results: sentences, tables and charts in one house style, on a notebook's page."""
