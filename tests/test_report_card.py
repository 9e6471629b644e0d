"""The line and the card of one record: what they say, and what they never say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from jupyter_green.records import (
    Curve,
    DeviceRecord,
    Intensity,
    Pue,
    Record,
    Repeats,
    Share,
)
from jupyter_green.report.card import card, line

WORLD = Intensity(
    g_per_kwh=458.29, zone="world", source="Ember <2025>", year=2025, assumed=True
)


def device(kind: str, energy_j: float | None, **more: Any) -> DeviceRecord:
    """Return a device with an uncertainty of 3 %, 1 J at least."""
    known = {"id": f"{kind}-{more.get('index', 0)}", "method": "counter", **more}
    uncertainty_j = None if energy_j is None else max(0.03 * energy_j, 1.0)
    return DeviceRecord(
        kind=kind,
        energy_j=energy_j,
        uncertainty_j=uncertainty_j,
        uncertainty_random_j=uncertainty_j,
        **known,
    )


def record(*devices: DeviceRecord, **more: Any) -> Record:
    """Return a record of 4 s."""
    known: dict[str, Any] = {"id": "r1", "duration_s": 4.0, "intensity": WORLD, **more}
    return Record(devices=devices, **known)


FULL = record(
    device("gpu", 800.0),
    device("cpu", 180.0, share=Share(energy_j=90.0, fraction=0.5, basis="cpu-time")),
    device("dram", 20.0),
    label="train",
)


class Text(HTMLParser):
    """What is left of a page where every tag is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        """Take an opening tag."""
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Take a closing tag: that of the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take text."""
        if "title" not in self.open:
            self.parts.append(data)


def read(html: str) -> str:
    """Return the text of *html*, whose tags must be balanced."""
    text = Text()
    text.feed(html)
    text.close()
    assert text.open == []
    return re.sub(r"\s+", " ", "".join(text.parts))


def test_line() -> None:
    """One line has energy, time, power, carbon with its intensity, and the devices."""
    assert line(FULL) == (
        "train: 1000 ± 25 J · 4.00 s · 250 W · 127 mg CO2e (458.3 g/kWh, world 2025, "
        "no location set) · gpu 80 % counter, cpu 18 % counter, dram 2.0 % counter"
    )


def test_card() -> None:
    """The card says the same, readable also without its tags."""
    text = read(card(FULL))
    for part in (
        "train 1000 ± 25 J · 4.00 s · 250 W · 127 mg CO₂e",
        "GPU 800 ± 24 J 80 % counter",
        "CPU 180 ± 5 J 18 % counter · this kernel 50 %",
        "DRAM 20.0 ± 1.0 J 2.0 % counter",
        "458.3 g/kWh, world 2025, no location set",
    ):
        assert part in text


def test_several_of_a_kind_are_numbered() -> None:
    """Devices carry their number only where there are several of a kind."""
    two = record(device("gpu", 1.0), device("gpu", 1.0, index=1), device("cpu", 2.0))
    assert "gpu 0 25 % counter, gpu 1 25 % counter, cpu 50 % counter" in line(two)
    assert "GPU 1" in read(card(two))


def test_not_measured() -> None:
    """A device without a figure is not measured and why; there is no 0."""
    dark = device("gpu", None, reason="driver fault <0x51>", coverage=0.0)
    for some in (record(dark, device("cpu", 180.0)), record(dark), record()):
        for text in (line(some), read(card(some))):
            assert ("not measured" in text) is True
            assert not re.search(r"(?<![\d.])0(\.0+)? (m?J|W|%|[µm]?g)", text)
    assert "driver fault <0x51>" in read(card(record(dark)))
    assert "CO" not in line(record(dark)).replace("COUNTER", "")


def test_below_resolution() -> None:
    """Below resolution there are bounds only: no power, no share of noise."""
    short = record(
        *(device(kind, 0.2, flags=("below-resolution",)) for kind in ("gpu", "cpu")),
        duration_s=0.003,
    )
    assert line(short).startswith(
        "below resolution (< 1.81 J) · 3.00 ms · < 231 µg CO2e"
    )
    assert "gpu below resolution (counter)" in line(short)
    assert " W" not in line(short)
    assert "%" not in read(card(short))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"final": False}, ["provisional"]),
        ({"status": "error"}, ["error"]),
        ({"status": "interrupted", "final": False}, ["provisional", "interrupted"]),
        ({"status": "running", "final": False}, ["running"]),
    ],
)
def test_state(change: dict[str, Any], words: list[str]) -> None:
    """What is not a final, successful record says so."""
    changed = msgspec.structs.replace(FULL, **change)
    assert line(changed).endswith(f" [{', '.join(words)}]")
    assert all(word in read(card(changed)) for word in words)


def test_simulated() -> None:
    """A simulated figure says so, in capitals."""
    simulated = record(device("gpu", 1.0, method="simulated"), device("cpu", 1.0))
    assert line(simulated).endswith(" [SIMULATED]")
    assert "SIMULATED" in read(card(simulated))


def test_hostile_text() -> None:
    """Labels, names and reasons are text, never HTML."""
    hostile = "<script>alert(1)</script>\"'&"
    evil = record(
        device("gpu", 1.0, name=hostile),
        device("cpu", None, reason=hostile, name=hostile),
        label=hostile,
        intensity=msgspec.structs.replace(WORLD, zone=hostile, note=hostile),
    )
    for html in (card(evil), card(evil, verbose=True)):
        assert "<script" not in html
        assert read(html).count("<script>alert(1)</script>") >= 3


def test_control_characters() -> None:
    """Nothing in a record steers the terminal it is printed in."""
    evil = record(device("gpu", 1.0, name="\x1b[2Jgpu"), label="a\x1b]0;title\x07b")
    assert "\x1b" not in line(evil, verbose=True)
    assert "\x07" not in line(evil, verbose=True)


def test_label() -> None:
    """A label is one line and cut where it is too long."""
    long = record(device("cpu", 1.0), label="a\nb " + "x" * 200)
    title = line(long).split(": ")[0]
    assert title.startswith("a b xxx")
    assert len(title) == 80
    assert title.endswith("…")


def test_net() -> None:
    """With a baseline the card and the verbose line give energy above idle."""
    net = record(device("gpu", 800.0, idle_power_w=50.0, idle_uncertainty_w=1.0))
    assert "net 600 ± 24 J above idle" in read(card(net))
    assert "net 600 ± 24 J above idle" in line(net, verbose=True)
    assert "above idle" not in line(net) + line(FULL, verbose=True) + card(FULL)


def test_verbose() -> None:
    """Verbose text has a line for each device, with the kernel's share and the cost."""
    lines = line(msgspec.structs.replace(FULL, overhead_s=0.002), verbose=True)
    assert lines.splitlines()[1:] == [
        "  gpu 0 · 800 ± 24 J · counter",
        "  cpu 0 · 180 ± 5 J · counter · this kernel's share 90.0 J, 50 % by cpu-time",
        "  dram 0 · 20.0 ± 1.0 J · counter",
        "  overhead 2.00 ms",
    ]


def test_pue() -> None:
    """A PUE that is stated is shown, 1 is not."""
    stated = msgspec.structs.replace(FULL, pue=Pue(value=1.2, source="the centre"))
    assert "PUE 1.2" in line(stated)
    assert "PUE 1.2" in read(card(stated))
    assert "PUE" not in line(FULL) + read(card(FULL))


def repeats(kept: int) -> Repeats:
    """Return repeats of which so many count."""
    return Repeats(
        runs=kept + 1,
        dropped=1,
        energy_j=(10.0,) * kept,
        duration_s=(0.5,) * kept,
        mean_j=10.0 if kept else None,
        stdev_j=0.2 if kept > 1 else None,
        interval_j=0.5 if kept > 1 else None,
    )


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        (4, "per run: 10.0 ± 0.5 J · 500 ms (mean of 4 runs, the first of 5 dropped, "),
        (1, "per run: 10.0 J · 500 ms (1 run, the first of 2 dropped)"),
        (0, "per run: no run was completed after the first, which is dropped"),
    ],
)
def test_repeats(kept: int, text: str) -> None:
    """Repeats give the mean of the kept runs, its interval and the spread."""
    repeated = msgspec.structs.replace(FULL, repeats=repeats(kept))
    assert line(repeated).splitlines()[1].startswith(text)
    assert ("sd 2.0 %" in line(repeated)) == (kept > 1)
    assert text in read(card(repeated))


@pytest.mark.parametrize(
    "power_w", [(0.0, 0.0, 0.0), (5.0, -1.0, 3.0), (1.0, 2.0, 300.0)]
)
def test_curve(power_w: tuple[float, ...]) -> None:
    """The curve stays in its box, also where nothing was drawn or noise is negative."""
    curved = msgspec.structs.replace(
        FULL, curve=Curve(t_s=(1.0, 2.0, 4.0), power_w=power_w)
    )
    html = card(curved)
    found = re.search(r'points="([^"]+)"', html)
    assert found is not None
    for point in found[1].split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 104
        assert 0 <= y <= 22
    assert "peak" in read(html)
