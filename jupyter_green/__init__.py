"""The edge between the package and a process that asks for it."""
