"""The facts of the transparency appendix: records in, one frozen value out.

The words and the formats are made elsewhere in `report`; nothing here prints.
"""
