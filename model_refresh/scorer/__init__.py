"""The scorer: a program that answers one row at a time, and needs neither Dagster nor the rest.

Its modules are copied as they are into every generated folder, so they import the standard library,
each other, and what the folder's requirements.txt names; nothing else of model_refresh.
"""
