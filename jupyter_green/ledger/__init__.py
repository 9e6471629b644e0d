"""The ledger: a folder of append-only JSON Lines, the only thing processes share.

`lines` says what a line is, `writer` appends them, `reader` makes records of them and
`totals` adds the records up.  Imports `records`, `units` and `errors` from below.
"""
