"""The suite that every generated folder carries, copied as it is: it tests the folder it lies in.

Its modules import pytest, the standard library, each other and the runtime; no other thing of
model_refresh.
"""
