"""A powercap tree as Linux lays it out: nested zones, and a flat link to each."""

from pathlib import Path


class Powercap:
    """Zones under a folder of the test."""

    def __init__(self, folder: Path, *, vendor: str = "GenuineIntel") -> None:
        self.root = folder / "powercap"
        self.root.mkdir()
        self.cpuinfo = folder / "cpuinfo"
        self.cpuinfo.write_text(
            f"processor\t: 0\nvendor_id\t: {vendor}\nmodel name\t: Test CPU\n"
            "flags\t\t: fpu vme\n"
        )

    def zone(
        self,
        folder: str,
        name: str,
        energy_uj: int,
        *,
        range_uj: int = 262_143_328_850,
        limit_w: int | None = None,
    ) -> Path:
        """Add a zone such as ``intel-rapl:0:1``; return its counter's file."""
        control, *numbers = folder.split(":")
        path = self.root / control
        for depth in range(1, len(numbers) + 1):
            path /= ":".join((control, *numbers[:depth]))
        path.mkdir(parents=True)
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{energy_uj}\n")
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        if limit_w:
            (path / "constraint_0_max_power_uw").write_text(f"{limit_w * 1_000_000}\n")
        (self.root / folder).symlink_to(path.relative_to(self.root))
        return path / "energy_uj"
