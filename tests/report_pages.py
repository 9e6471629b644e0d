"""Pages for the renderers' tests: ordinary, hostile, and of long tables."""

# ruff: noqa: RUF001 - letters that look like others are wanted here

from __future__ import annotations

from pathlib import PurePosixPath

from jupyter_green.report.document import (
    Block,
    Bullets,
    Cite,
    Code,
    Column,
    Document,
    Figure,
    Inlines,
    Link,
    Paragraph,
    Quote,
    Ref,
    Reference,
    Section,
    Strong,
    Table,
    Text,
    Value,
)

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

LACOSTE = Reference(
    key="lacoste2019quantifying",
    entry="article",
    fields={
        "author": "Lacoste, Alexandre and Luccioni, Alexandra and Schmidt, Victor and "
        "Dandres, Thomas",
        "title": "Quantifying the Carbon Emissions of Machine Learning",
        "journal": "arXiv preprint arXiv:1910.09700",
        "year": "2019",
        "url": "https://arxiv.org/abs/1910.09700",
    },
)
LANNELONGUE = Reference(
    key="lannelongue2021green",
    entry="article",
    fields={
        "author": "Lannelongue, Loïc and Grealey, Jason and Inouye, Michael",
        "title": "Green Algorithms: Quantifying the Carbon Footprint of Computation",
        "journal": "Advanced Science",
        "year": "2021",
        "doi": "10.1002/advs.202100707",
    },
)
NVML = Reference(
    key="nvml",
    entry="misc",
    fields={
        "author": "{NVIDIA Corporation}",
        "title": "NVML API Reference: nvmlDeviceGetTotalEnergyConsumption & friends",
        "year": "2026",
        "howpublished": "Vendor's manual, 100 % online",
    },
)

TRICKS = (
    r"\input{/etc/passwd}",
    r"\immediate\write18{touch /tmp/owned}",
    "^^41^^5cinput{x}",
    "50% of $cost$ #1 & more_things {a} ~b ^c",
    "[optional] argument",
    "*starred",
    "<script>alert('x')</script>",
    "a | b `code` ![x](http://evil.example/x.png) [link](javascript:alert(1))",
    "=cmd|' /C calc'!A0",
    "emoji 🚀👩‍🔬 and flags 🇩🇪",
    "北京大学 模型训练 実験ノート 한국어",
    "Ελληνικά ΑΒΓ αβγς ώ",
    "שלום עולם مرحبا بالعالم",
    "Привет мир, Đỗ Łódź Şişli ıİ ß æ ø å",
    "bell\x07 null\x00 esc\x1b[31m",
    "bidi \u202egnp.exe\u202c and zero\u200bwidth",
    "private \ue000 and unassigned \U000e0fff",
    "\\" * 30 + "{" * 30,
    "W" * 300,
    "x_" * 5000,
    "漢" * 10_000,
    "--- ''' ,,, ``` <<< !` ?`",
    "1. no list",
    "# no heading",
    "\\end{document}",
    "z̷̡̛͔̼̝͇̖̘̗̪̃̈́̋̀a̸l̵g̶o̷",
    "{{unbalanced}",
    "https://evil.example/a_b?c=%41#d www.evil.example",
)


def cells(*texts: str) -> tuple[Inlines, ...]:
    """Return a row of plain cells."""
    return tuple((Text(text),) for text in texts)


def short_numbers(count: int) -> tuple[Inlines, ...]:
    """Return a row of short numbers, the last of which is missing."""
    return cells(*("0" for _ in range(count - 1)), "not measured")


def ordinary() -> Document:
    """Return a page with every block and part, as a real project would have it."""
    return Document(
        title="Energy and Carbon Transparency",
        sections=(_statement(), _compute(), _totals(), _limits(), _answers()),
        values={
            "CarbonIntensity": Value("363 g/kWh", "CarbonIntensity"),
            "Missing": Value("not measured", "Missing"),
        },
        references=(LACOSTE, LANNELONGUE, NVML),
        figures={
            name: tuple(PurePosixPath(f"{name}.{kind}") for kind in ("pdf", "svg"))
            for name in ("fig-purpose", "fig-time", "fig-power")
        },
    )


def hostile() -> Document:
    """Return a page whose author-given texts are all attacks or odd letters."""
    label = Column(title=r"Label \write18{x} | 北京", weight=2.0)
    energy = Column(title="Energy (kWh)", align="right")
    rows = tuple(
        ((Text(trick),), (Code(trick),), (Strong(trick),), (Text("1.2 ± 0.1"),))
        for trick in TRICKS
    )
    wide = tuple(Column(title=trick) for trick in TRICKS[:11])
    sections = (
        Section(
            title=r"Boundary \write18{x} of 50% & more | 北京 α",
            label="boundary",
            blocks=(
                *(Paragraph(lead=t, parts=(Text(t), Code(t))) for t in TRICKS),
                Bullets(items=tuple((Text(t), Strong(t)) for t in TRICKS)),
                Bullets(items=tuple((Link(t, t), Text(", ")) for t in TRICKS)),
            ),
        ),
        Section(
            title="Tables",
            label="tables",
            blocks=(
                Table(
                    label="hostile",
                    caption=" ".join(TRICKS[:12]),
                    columns=(label, Column(title="Code"), Column(title="B"), energy),
                    rows=rows,
                    total=rows[0],
                    note=(Text(TRICKS[3]), Code(TRICKS[1]), Link("x", TRICKS[7])),
                ),
                Table(
                    label="very-wide",
                    caption="Eleven columns.",
                    columns=wide,
                    rows=(cells(*TRICKS[:11]), cells(*TRICKS[8:19])),
                ),
                Figure(
                    label="hostile",
                    caption=tuple(Text(f"{t} ") for t in TRICKS[:6]),
                    name="fig-purpose",
                    alt=TRICKS[7],
                ),
                *(Quote(title=t, text=f"{t}\n  {t}\n\n{t}") for t in TRICKS),
            ),
        ),
        Section(
            title="Sources",
            label="sources",
            blocks=(
                Paragraph(
                    parts=(
                        Text("See "),
                        Cite(("odd", "lacoste2019quantifying")),
                        Value("3 µg ± 50 % of {x}_y", "Odd"),
                    )
                ),
            ),
        ),
    )
    odd = Reference(
        key="odd",
        entry="misc",
        fields={
            "author": "Ångström, É. and {Müller & Söhne} and 北京",
            "title": "".join(TRICKS[:6]),
            "note": "unbalanced { and } } % \\",
            "url": "https://example.org/a%20b#c_d{",
            "year": "2020",
        },
    )
    return Document(
        title=r"Energy of \jobname: 100 % & 北京",
        sections=sections,
        references=(odd, LACOSTE),
        figures={"fig-purpose": (PurePosixPath("fig-purpose.pdf"),)},
    )


def long_tables() -> Document:
    """Return a page of tables longer than any page, and wider."""
    columns = (
        Column(title="Cell", weight=2.0),
        Column(title="Runs", align="right"),
        Column(title="Energy (kWh)", align="right"),
        Column(title="Share", align="right"),
    )
    rows = tuple(
        (
            (Code(f"train_model_with_options_{i:03d}.ipynb"), Text(f" cell {i}")),
            (Text(str(i)),),
            (Text(f"{i / 7:.3f} ± {i / 70:.3f}"),),
            (Text(f"{i / 100:.1f} %"),),
        )
        for i in range(130)
    )
    many = tuple(
        Column(title=f"Seed {i}", align="right" if i else "left") for i in range(14)
    )
    blocks: tuple[Block, ...] = (
        Table(label="long", caption="Every cell.", columns=columns, rows=rows),
        Table(
            label="wordy",
            caption="Rows of many lines.",
            columns=(Column(title="What"), Column(title="Why", weight=3.0)),
            rows=tuple(cells(f"Item {i}", "several words " * 11) for i in range(40)),
            total=cells("Total", "of all"),
            note=(Text("Source: this test."),),
        ),
        Table(
            label="wide",
            caption="Fourteen columns.",
            columns=many,
            rows=tuple(
                cells(f"run {i}", *(f"{i * j}.{j:02d} ± 0.12" for j in range(1, 14)))
                for i in range(12)
            ),
        ),
        Table(label="endless", caption="Too long.", columns=columns, rows=rows * 8),
        Table(
            label="heads",
            caption="Heads wider than what stands below.",
            columns=tuple(
                Column(title=f"component {i} (kWh)", align="right" if i else "left")
                for i in range(6)
            ),
            rows=(short_numbers(6), short_numbers(6)),
        ),
        Table(label="empty", caption="Nothing.", columns=columns, rows=()),
    )
    return Document(
        title="Long Tables",
        sections=(Section(title="Tables", label="tables", blocks=blocks),),
    )


def _statement() -> Section:
    parts: Inlines = (
        Text("The project used "),
        Value("31.2 GPU-hours", "GPUHours"),
        Text(" and "),
        Value("3.12 ± 0.16 kWh", "EnergyIt"),
        Text(" at the devices, "),
        Value("3.74 ± 0.19 kWh", "EnergyFacility"),
        Text(" with a PUE of "),
        Value("1.2", "Pue"),
        Text(": "),
        Value("1.36 kg (1.22 to 1.49 kg)", "Carbon"),
        Text(" CO2e. The parts are in "),
        Ref("totals", "table"),
        Text(" and "),
        Ref("purpose", "figure"),
        Text("; the limits in "),
        Ref("limits", "section"),
        Text(". Emissions follow "),
        Cite(("lacoste2019quantifying", "lannelongue2021green")),
        Text("."),
    )
    return Section(
        title="Statement",
        label="statement",
        blocks=(
            Paragraph(lead="Statement.", parts=parts),
            Figure(
                label="purpose",
                caption=(Text("Energy by purpose. Hatched: failed runs."),),
                name="fig-purpose",
                alt="Bars: final 1.9 kWh, search 0.8 kWh, failed 0.4 kWh.",
            ),
        ),
    )


def _compute() -> Section:
    devices = Table(
        label="devices",
        caption="Devices used, with the time they were allocated and busy.",
        columns=(
            Column(title="Device", weight=2.0),
            Column(title="Count", align="right"),
            Column(title="Memory (GB)", align="right"),
            Column(title="Allocated (h)", align="right"),
            Column(title="Busy (h)", align="right"),
            Column(title="Method", weight=2.0),
        ),
        rows=(
            cells("NVIDIA H100 80GB HBM3", "4", "80", "31.2", "27.9", "energy counter"),
            cells(
                "AMD EPYC 9654 96-Core Processor",
                "2",
                "not measured",
                "7.8",
                "not measured",
                "estimated from the processor's time",
            ),
        ),
        note=(
            Text("Source: NVML "),
            Cite(("nvml",)),
            Text(" and the operating system; times from the ledger."),
        ),
        wide=True,
    )
    software = Paragraph(
        parts=(
            Text("Software: "),
            Code("torch==2.9.0+cu128"),
            Text(", Python 3.13 on "),
            Strong("Linux x86_64"),
            Text("; commit "),
            Code("3fa9c1d2e5b7a8c90d1e2f3a4b5c6d7e8f901234"),
            Text(" (uncommitted changes). The report's SHA-256 is "),
            Code(SHA),
            Text("."),
        )
    )
    return Section(title="Compute", label="compute", blocks=(devices, software))


def _totals() -> Section:
    totals = Table(
        label="totals",
        caption="Energy and CO2e of all runs, by component.",
        columns=(
            Column(title="Component"),
            Column(title="Basis", weight=1.0),
            Column(title="Energy (kWh)", align="right"),
            Column(title="Share", align="right"),
        ),
        rows=(
            cells("GPU", "measured", "2.71 ± 0.14", "87 %"),
            cells("CPU", "estimated", "0.30 ± 0.09", "10 %"),
            cells("DRAM", "estimated", "0.11 ± 0.05", "3 %"),
            cells("Storage, network", "", "not measured", ""),
        ),
        total=(
            (Strong("Total"),),
            (),
            (Value("3.12 ± 0.16 kWh", "EnergyIt"),),
            (Text("100 %"),),
        ),
        note=(
            Text("Source: counters and models as named in "),
            Ref("compute", "section"),
            Text("."),
        ),
    )
    time = Figure(
        label="time",
        caption=(
            Text("Cumulative energy and CO2e over the project's time. Crosses mark "),
            Strong("failed"),
            Text(" runs."),
        ),
        name="fig-time",
        alt="A line that rises to 3.1 kWh in nine days.",
        wide=True,
    )
    power = Figure(
        label="power",
        caption=(Text("Power over the largest runs."),),
        name="fig-power",
        alt="Three curves of about 300 W.",
    )
    return Section(title="Totals", label="totals", blocks=(totals, time, power))


def _limits() -> Section:
    items: tuple[Inlines, ...] = (
        (
            Text("Storage and network are "),
            Strong("not measured"),
            Text("."),
        ),
        (
            Text("The counters read 20-37 % less than a wall meter; see the "),
            Link("method page", "https://example.org/jupyter-green/docs/method.html"),
            Text("."),
        ),
        (
            Text("The notebook "),
            Code("runs/2026/train_résumé-final(2).ipynb"),
        ),
    )
    return Section(
        title="Limitations of CO2e Figures",
        label="limits",
        blocks=(
            Paragraph(parts=(Text("These figures are lower bounds:"),)),
            Bullets(items=items),
        ),
    )


def _answers() -> Section:
    text = (
        "\\item[] Answer: \\answerYes{}\n"
        "\\item[] Justification: Appendix~\\ref{sec:jg-energy} lists the workers "
        "(4 NVIDIA H100), the time of every experiment and the total of 31.2 "
        "GPU-hours. Reported experiments used 19.0 GPU-hours (61\\%)."
    )
    return Section(
        title="Answers",
        label="answers",
        blocks=(Quote(title="NeurIPS checklist, item 8", text=text),),
    )
