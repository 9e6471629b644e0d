"""Tables and documents built from records: `build` then render."""
