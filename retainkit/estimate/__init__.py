"""Estimates: small counted tables in, small tables with their intervals out."""
