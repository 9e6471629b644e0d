"""The server extension: what the panel asks for, under ``jupyter-green/api``.

The server samples the host only while somebody watches, and reads the ledger that
kernels append to; it writes nothing but tags, a project file on request, and exports.
docs/server.md has the endpoints.  `app` wires it into Jupyter Server; `handlers` and
`stream` are thin, and everything else knows no Jupyter.
"""
