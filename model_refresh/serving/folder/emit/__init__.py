"""From a formula to the text of one Python file that scores with it.

Data become text in `source` alone, as literals. Functions that every file may need are not text but
code, `computing` and `command`, of which `library` copies what a file uses.
"""
