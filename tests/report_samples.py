"""Records of a whole project, hostile names and planted secrets, for reports' tests."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger_samples import SESSION, device, record, write_lines

from jupyter_green.ledger.lines import EndLine
from jupyter_green.records import (
    Curve,
    DeviceRecord,
    Git,
    Host,
    Intensity,
    Pue,
    Record,
)

BEGAN = datetime(2026, 5, 4, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
FRANCE = Intensity(
    g_per_kwh=56.04,
    zone="FRA",
    source="Ember via Our World in Data, as shipped by codecarbon",
    year=2022,
    kind="lifecycle",
    licence="CC BY 4.0",
    low_g_per_kwh=50.0,
    high_g_per_kwh=62.0,
)
# Nothing of this may stand in an anonymous report.
SECRETS = (
    "gpunode07.cluster.example",
    "gpunode07",
    "jdoe",
    "/home/jdoe",
    "Jane Q. Doe",
    "Planted Institute",
    "Grosscluster",
    "planted-remote",
    "5e55109c0ffee",
    "GPU-5ec7e700",
    "48.8566",
    "192.168.17.4",
    "c0ffee12deadbeef",
    "train_secretmodel",
)
HOSTILE = (
    r"\input{/etc/passwd}",
    r"\write18{touch pwned}",
    r"100% _x_ ^^41 $a$ {b} #1 ~ & \\ \end{table}",
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "a | b [link](javascript:alert(3)) `code` **bold**",
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd",
    "\U0001f680 launch \U0001f469\u200d\U0001f52c",
    "\u5317\u4eac \u6771\u4eac \uc11c\uc6b8",
    "\u03b1-\u03b2 test \u03a9",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "bell\x07 null\x00 esc\x1b[31m",
    "line\none\r\ntwo\ttab",
    "x" * 10_000,
    "long words " * 1_000,
    "---\n# title\n- item",
    '"quoted", with, commas',
    "\u202eevil\u202c",
)


def project(runs: int = 24, seed: int = 1, **changes: Any) -> list[Record]:
    """Return a project's records: two machines, four purposes, failures, curves."""
    rng = random.Random(seed)
    records = []
    purposes = ("final", "search", "ablation", "development")
    for number in range(runs):
        began = BEGAN + timedelta(hours=2 * number)
        seconds = rng.uniform(600, 3600)
        purpose = purposes[number % 4]
        status = "error" if number % 11 == 10 else "ok"
        energy_j = seconds * rng.uniform(250, 400)
        known: dict[str, Any] = {
            "identifier": f"{seed:04x}{number:028x}",
            "duration_s": seconds,
            "started_at": _text(began),
            "ended_at": _text(began + timedelta(seconds=seconds)),
            "label": f"{purpose} {number % 3}",
            "purpose": purpose,
            "status": status,
            "error": "ValueError" if status == "error" else "",
            "notebook": f"work/{purpose}.ipynb",
            "cell_id": f"cell{number % 3}",
            "devices": (
                gpu(energy_j, seconds),
                DeviceRecord(
                    id="package-0",
                    kind="cpu",
                    method="estimated",
                    energy_j=seconds * 60,
                    uncertainty_j=seconds * 18,
                    uncertainty_random_j=seconds * 2,
                    name="AMD EPYC 7543",
                    calibration=0.3,
                ),
            ),
            "host": Host(
                id="h057" * 8,
                system="Linux 6.1 x86_64",
                cpu_model="AMD EPYC 7543",
                cpu_count=64,
                memory_gb=512.0,
            ),
            "intensity": FRANCE,
            "pue": Pue(value=1.2, source="operator"),
            "git": Git(commit="ab" * 20, dirty=number % 2 == 0),
            "versions": {"python": "3.11.7", "jupyter_green": "0.1.0", "torch": "2.5"},
            "curve": Curve(t_s=(60.0, seconds), power_w=(120.0, energy_j / seconds)),
        }
        records.append(record(**{**known, **changes}))
    return records


def gpu(energy_j: float | None, seconds: float) -> DeviceRecord:
    """Return a GPU with a counter, 5 % calibration and a limit."""
    known = energy_j is not None
    return device(
        energy_j,
        id="GPU-0123456789",
        name="NVIDIA H100 80GB HBM3",
        uncertainty_j=0.05 * energy_j if known else None,
        uncertainty_random_j=0.001 * energy_j if known else None,
        calibration=0.05,
        power_limit_w=700.0,
        resolution_j=0.001,
        coverage=min(1.0, 1 - 0.01 / seconds),
    )


def secret_project() -> list[Record]:
    """Return records with secrets in every place that may hold one."""
    return project(
        6,
        seed=2,
        host=Host(
            id="c0ffee12deadbeef",
            system="Linux 6.1 x86_64",
            cpu_model="AMD EPYC 7543",
            cpu_count=64,
            memory_gb=512.0,
            name="gpunode07.cluster.example",
        ),
        notebook="/home/jdoe/paper/train_secretmodel.ipynb",
        label="run of jdoe on gpunode07 at 192.168.17.4 in /home/jdoe/data",
        session=SESSION.id,
        git=Git(commit="c0ffee12deadbeef" + "0" * 24, dirty=True),
        intensity=Intensity(
            g_per_kwh=56.0,
            zone="FRA",
            source="meter of Grosscluster",
            note="at 48.8566, 2.3522 by Jane Q. Doe",
        ),
    )


PLANTED_TOML = """\
[report]
authors = ["Jane Q. Doe"]
institution = "Planted Institute"
cluster = "Grosscluster"
remotes = ["https://github.com/jdoe/planted-remote.git"]
limitations = ["Jane Q. Doe saw /home/jdoe/fail on gpunode07."]
comments = "thanks to Planted Institute"
[report.boamps]
task_stage = "training"
task_family = "image classification"
infra_type = "onPremise"
task_description = "by Jane Q. Doe on Grosscluster"
[[report.boamps.algorithms]]
algorithm_name = "cnn"
[[report.boamps.datasets]]
data_usage = "input"
data_type = "image"
owner = "Planted Institute"
source_uri = "https://github.com/jdoe/planted-remote.git"
"""


def write_ledger(folder: Path, records: list[Record]) -> Path:
    """Write a ledger of finished records."""
    write_lines(folder / "ledger.jsonl", SESSION, *map(EndLine, records))
    return folder


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
