"""A first declaration of a model from the data that there are: looked at, guessed, tried, written.

`origin` finds the table, `facts` looks at it, `moments` and `roles` guess what its columns are,
`timing` finds a cadence that the data's span allows, `queries` and `declaration` write the text,
`trial` runs it at the planned frames, `proposal` is the way through all of them.
"""
