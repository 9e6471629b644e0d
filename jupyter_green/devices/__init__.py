"""Devices: one file per interface, behind the seam of `device.Device`."""
