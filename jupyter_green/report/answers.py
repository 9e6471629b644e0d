r"""Answers to venues' and regulators' questions, ready to paste.

Each answer is made of the report's facts only.  Where a required fact is missing the
answer says TODO and what is missing; it never says yes with a gap, and it never invents
a split without tags.  What is asked stands in short words of ours, after the forms of
2024 to 2026: check the form in force.  Imports `report.appendix`,
`report.compose` and the escaping of LaTeX.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from jupyter_green.report.appendix.facts import Amount, Appendix, DeviceGroup
from jupyter_green.report.appendix.rows import guarded
from jupyter_green.report.compose.page import Page, listed
from jupyter_green.report.compose.statement import missing_split, unrecorded_kwh
from jupyter_green.report.compose.units import HOURS, count, percent, plain_number
from jupyter_green.report.compose.values import energy, gpu_models
from jupyter_green.report.compose.words import EXCLUDED, KIND_ENERGY, word
from jupyter_green.report.render.escape import latex, tidy

TODO = "TODO"
APPENDIX = "{appendix}"  # stands for the reference to the appendix
KWH_PER_MWH = 1000.0

Verdict = Literal["yes", "no", "partial", "todo", "text"]
LATEX_VERDICTS = {
    "yes": r"\answerYes{}",
    "no": r"\answerNo{}",
    "partial": r"\answerNo{}",
    "todo": r"\answerTODO{}",
}


class Answer(Struct, frozen=True, kw_only=True):
    """An answer to one question.

    Attributes:
        key: Its short name.
        title: Who asks what.
        verdict: ``yes``, ``no``, ``partial``, ``todo``, or ``text`` where the form asks
            for words only.
        text: The answer.
        missing: What only the authors can add, or what was not recorded.
    """

    key: str
    title: str
    verdict: Verdict
    text: str
    missing: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """The answer with its verdict and what is missing, as plain text."""
        verdict = {
            "yes": "Yes. ",
            "no": "No. ",
            "partial": "Partial. ",
            "todo": f"{TODO}. ",
            "text": "",
        }[self.verdict]
        text = self.text.replace(APPENDIX, "The energy appendix")
        # One line, and nothing in it ends the block that it stands in.
        said = tidy(f"{verdict}{text}{_todo(self.missing)}".strip())
        return said.replace("```", "'''")


def answers(facts: Appendix) -> tuple[Answer, ...]:
    """Return all answers in words."""
    page = Page(facts=facts)
    return (
        _neurips(page),
        _arr(page),
        _aaai_infrastructure(page),
        _aaai_runs(page),
        _ai_act(page),
        _gpai(page),
    )


def answers_markdown(facts: Appendix) -> str:
    """Return all answers as a page of plain text to copy from."""
    lines = [
        "# Answers ready to paste",
        "",
        "Made from the records of the energy report. TODO marks what only the authors",
        "can say, or what was not recorded. Check the wording of the form in force.",
    ]
    for answer in answers(facts):
        fence = "```"
        lines += ["", f"## {answer.title}", "", f"{fence}text", answer.plain, fence]
    return "\n".join(lines) + "\n"


def answers_latex(facts: Appendix, label_prefix: str = "jg-") -> str:
    r"""Return the answer to item 8 of the NeurIPS checklist, to be pasted.

    Uses ``\answerYes`` and its kin, which the checklist's template defines.

    Args:
        facts: What the report states.
        label_prefix: That of the appendix, for its reference.
    """
    answer = _neurips(Page(facts=facts))
    where = rf"Appendix~\ref{{sec:{label_prefix}energy}}"
    words = f"{answer.text}{_todo(answer.missing)}"
    # Blanks beside the reference stand outside of what is tidied.
    before, _, after = words.partition(f"{APPENDIX} ")
    escaped = f"{where} {_escaped(after)}" if after else _escaped(before)
    return (
        "% NeurIPS paper checklist, item 8: experiments compute resources.\n"
        f"\\item[] Answer: {LATEX_VERDICTS[answer.verdict]}\n"
        f"\\item[] Justification: {escaped}\n"
    )


def _escaped(text: str) -> str:
    return latex(text, longest=len(text), breakable=False)


def _todo(missing: Sequence[str]) -> str:
    return f" [{TODO}: {'; '.join(missing)}]" if missing else ""


def _hardware(page: Page) -> str:
    """Return the workers with their memory; empty where none has a name."""
    groups = page.facts.compute.groups
    gpus = [_gpu(group) for group in groups if group.kind == "gpu" and group.name]
    models = [m.cpu_model for m in page.facts.compute.machines if m.cpu_model]
    cpus = [f"{name}" for name in dict.fromkeys(models)]
    return "; ".join((*gpus, *cpus))


def _gpu(group: DeviceGroup) -> str:
    memory = f" with {plain_number(group.memory_gb)} GB" if group.memory_gb else ""
    return f"{group.count} x {group.name}{memory}"


def _memory_is_known(page: Page) -> bool:
    compute = page.facts.compute
    gpus = [group for group in compute.groups if group.kind == "gpu"]
    has_gpus = all(group.memory_gb is not None for group in gpus)
    machines = compute.machines
    return has_gpus and bool(machines) and all(m.memory_gb for m in machines)


def _total(page: Page) -> str:
    if page.facts.compute.gpus:
        return f"{page.hours.number(page.facts.compute.gpu_hours)} GPU-hours"
    return f"{page.time.of(page.facts.compute.run_time_s)} of run time without a GPU"


def _amount(page: Page, amount: Amount) -> str:
    if page.facts.compute.gpus:
        return f"{page.hours.number(amount.gpu_hours)} GPU-hours"
    return f"{page.time.of(amount.run_time_s)} of run time"


def _has_times(page: Page) -> bool:
    """Say whether the time of each experiment is known."""
    rows = page.facts.by_experiment.rows
    return bool(rows) and page.facts.compute.run_time_s > 0


def _neurips(page: Page) -> Answer:
    title = "NeurIPS paper checklist, item 8: compute resources"
    lacking = [
        what
        for what, is_there in (
            ("any metered run", page.facts.totals.amount.runs > 0),
            ("the type of the compute workers", bool(_hardware(page))),
            ("the time of the runs", _has_times(page)),
        )
        if not is_there
    ]
    if lacking:
        return Answer(
            key="neurips-8",
            title=title,
            verdict="no",
            text=f"The records do not hold {listed(lacking)}.",
            missing=tuple(f"state {what}" for what in lacking),
        )
    missing = [*_missing_split(page), *_missing_machine(page)]
    text = (
        f"{APPENDIX} lists the workers ({_hardware(page)}), the time of every "
        f"experiment and the total of {_total(page)}."
        f"{_split(page)}{_unrecorded(page)}"
    )
    return Answer(
        key="neurips-8",
        title=title,
        verdict="todo" if missing else "yes",
        text=text,
        missing=tuple(missing),
    )


def _split(page: Page) -> str:
    split = page.facts.reported
    if not split.is_known or split.reported is None or split.other is None:
        return ""
    has_gpus = bool(page.facts.compute.gpus)
    share = split.gpu_hours_fraction if has_gpus else split.time_fraction
    rest = None if share is None else 1.0 - share
    return (
        f" Reported experiments used {_amount(page, split.reported)} "
        f"({percent(share)}); preliminary, tuning and failed runs the other "
        f"{_amount(page, split.other)} ({percent(rest)})."
    )


def _unrecorded(page: Page) -> str:
    hours = page.facts.author.unrecorded_gpu_hours
    if not hours:
        return ""
    return f" About {plain_number(hours)} GPU-hours besides were not recorded."


def _missing_split(page: Page) -> Iterator[str]:
    if not page.facts.reported.is_known:
        yield (
            "which runs are behind the reported results: "
            f"{missing_split(page)}; tag them with `jupyter green tag`"
        )


def _missing_machine(page: Page) -> Iterator[str]:
    author = page.facts.author
    if not _memory_is_known(page):
        yield "memory of the workers (gpu_memory_gb)"
    if not author.cloud_provider:
        yield "own cluster or cloud provider (cloud_provider)"
    if author.storage_gb is None:
        yield "storage (storage_gb)"


def _arr(page: Page) -> Answer:
    author, facts = page.facts.author, page.facts
    missing = []
    if author.parameters is None:
        missing.append("number of parameters (parameters)")
    hardware = _hardware(page)
    if not hardware:
        missing.append("computing infrastructure")
    if not facts.totals.amount.runs:
        missing.append("total computational budget: no run is recorded")
    missing += list(_missing_split(page)) if facts.totals.amount.runs else []
    parameters = (
        f"The model has {plain_number(author.parameters)} parameters. "
        if author.parameters is not None
        else ""
    )
    budget = (
        f"The total computational budget of all recorded runs, failed and preliminary "
        f"ones included, was {_total(page)} on {hardware or 'unnamed hardware'}."
        if facts.totals.amount.runs
        else ""
    )
    return Answer(
        key="arr-c1",
        title="ACL Rolling Review, C1: parameters, budget, infrastructure",
        verdict="text",
        text=f"{parameters}{budget}{_split(page)}{_unrecorded(page)}".strip(),
        missing=tuple(missing),
    )


def _aaai_infrastructure(page: Page) -> Answer:
    compute = page.facts.compute
    known = {
        "GPU and CPU models": bool(compute.machines)
        and all(machine.cpu_model for machine in compute.machines)
        and all(group.name for group in compute.groups if group.kind == "gpu"),
        "amount of memory": _memory_is_known(page),
        "operating system": bool(compute.machines)
        and all(machine.system for machine in compute.machines),
        "names and versions of software": bool(compute.software),
    }
    missing = [what for what, is_known in known.items() if not is_known]
    verdict: Verdict = "yes" if not missing else "partial"
    if len(missing) == len(known):
        verdict = "no"
    systems = dict.fromkeys(m.system for m in compute.machines if m.system)
    memories = {m.memory_gb for m in compute.machines if m.memory_gb}
    memory = [f"{plain_number(gb)} GB" for gb in sorted(memories)]
    software = [f"{s.name} {', '.join(s.versions)}" for s in compute.software]
    parts = (
        ("Hardware", _hardware(page)),
        ("memory of the machines", ", ".join(memory)),
        ("system", ", ".join(systems)),
        ("software", ", ".join(software)),
    )
    text = "; ".join(f"{name}: {what}" for name, what in parts if what)
    return Answer(
        key="aaai-infrastructure",
        title="AAAI reproducibility checklist: computing infrastructure",
        verdict=verdict,
        text=f"{text}." if text else "The records do not describe the machines.",
        missing=tuple(missing),
    )


def _aaai_runs(page: Page) -> Answer:
    seeds = page.facts.author.seeds
    if seeds is None:
        return Answer(
            key="aaai-runs",
            title="AAAI reproducibility checklist: number of runs for each result",
            verdict="todo",
            text="The number of runs behind each reported result is not stated.",
            missing=("number of seeds (seeds)",),
        )
    return Answer(
        key="aaai-runs",
        title="AAAI reproducibility checklist: number of runs for each result",
        verdict="yes",
        text=f"Each reported result is of {count(seeds, 'run')} with different seeds.",
    )


def _mwh(kwh: float) -> str:
    """Return MWh with at least two significant digits, without an exponent."""
    mwh = kwh / KWH_PER_MWH
    if mwh == 0:
        return "0 MWh"
    text = f"{mwh:.3g}"
    if "e" in text:
        decimals = max(2 - int(text.partition("e")[2]), 0)
        text = f"{mwh:.{decimals}f}"
    return f"{text} MWh"


def _boundary(page: Page) -> str:
    facts = page.facts
    included = dict.fromkeys(c.partition(":")[0] for c in facts.extent.included)
    kinds = listed([word(KIND_ENERGY, kind) for kind in included])
    left_out = listed([word(EXCLUDED, code) for code in facts.extent.excluded], "or")
    return f"boundary: energy of {kinds or 'nothing'}; without {left_out}"


def _scope_of_energy(page: Page) -> str:
    """Say whether inference can be told apart from training."""
    parts = {part.key: part.amount for part in page.facts.by_purpose}
    if "untagged" in parts:
        return "of all recorded work, since untagged runs cannot be told to be training"
    if "inference" in parts:
        return "of all recorded work, inference included"
    return "of all recorded work, none of it tagged inference"


def _ai_act(page: Page) -> Answer:
    amount, author = page.facts.totals.amount, page.facts.author
    title = "EU AI Act, Annex XI 1(2)(d), (e): compute and energy (figures only)"
    missing = []
    if author.flops is None:
        missing.append("floating-point operations (flops)")
    if amount.energy_it_kwh is None:
        missing.append("energy: none was measured")
    parts = []
    if author.flops is not None:
        parts.append(f"Computational resources: {plain_number(author.flops)} FLOP.")
    if amount.runs:
        parts.append(
            f"Training time: {page.time.of(page.facts.compute.wall_time_s)} in which "
            f"at least one run was going on, {_total(page)}."
        )
    if amount.energy_it_kwh is not None:
        facility = amount.energy_facility_kwh
        at_site = "" if facility is None else f", {_mwh(facility)} with PUE"
        parts.append(
            f"Energy consumption, {_known_or_estimated(page)}: "
            f"{_mwh(amount.energy_it_kwh)}{at_site}, {_scope_of_energy(page)}; "
            f"{_boundary(page)}."
        )
    parts.append("Whether the Act applies is not judged here.")
    return Answer(
        key="ai-act-annex-xi",
        title=title,
        verdict="text",
        text=" ".join(parts),
        missing=tuple(missing),
    )


def _known_or_estimated(page: Page) -> str:
    totals = page.facts.totals
    if totals.energy_simulated_kwh:
        return "SIMULATED in part"
    if unrecorded_kwh(totals.amount):
        return "in part by a method that is not recorded"
    if not totals.energy_modelled_kwh:
        return "known (measured)"
    return "estimated" if not totals.energy_measured_kwh else "known and estimated"


def _gpai(page: Page) -> Answer:
    amount = page.facts.totals.amount
    missing = []
    if amount.energy_it_kwh is None:
        missing.append("energy used for training, in MWh: none was measured")
    if page.facts.author.flops is None:
        missing.append("amount of computation in FLOP (flops)")
    figure = "" if amount.energy_it_kwh is None else _mwh(amount.energy_it_kwh)
    lines = [
        f"Energy used for training: {figure or TODO}, {_scope_of_energy(page)}.",
        f"Method: {_method_words(page)}",
        f"Computation: {_flop(page)}.",
    ]
    return Answer(
        key="gpai-form",
        title="EU general-purpose AI documentation form: energy and computation",
        verdict="text",
        text=" ".join(lines),
        missing=tuple(missing),
    )


def _flop(page: Page) -> str:
    author = page.facts.author
    if author.flops is None:
        return TODO
    source = author.flops_source or "how it was counted is not stated"
    return f"{plain_number(author.flops)} FLOP, {source}"


def _method_words(page: Page) -> str:
    """Return the method in about a hundred words, with the boundary."""
    amount = page.facts.totals.amount
    whole = amount.energy_it_kwh or 0.0
    methods = [
        f"{percent(kwh / whole)} by {_method_name(method)}"
        for method, kwh in amount.energy_by_method_kwh.items()
        if whole
    ]
    known = energy(page.energy, amount.energy_it_kwh, amount.energy_uncertainty_kwh)
    interval = (
        f" The 95 % interval is {known}."
        if amount.energy_uncertainty_kwh is not None
        else " No uncertainty is known."
    )
    added = page.not_metered_runs
    if added and added == amount.runs:
        how = "runs were added by hand or imported with jupyter_green and not metered"
    else:
        but = f" but {count(added, 'run')} added by hand or imported" if added else ""
        how = f"every run{but} was metered in its kernel with jupyter_green, as the "
        how += "difference of two readings of each device"
    return (
        f"{how} ({listed(methods) or 'nothing was read'}); "
        "energy of runs that overlap on a device is counted once, and failed runs are "
        f"included.{interval} {_boundary(page)[0].upper()}{_boundary(page)[1:]}."
    )


def _method_name(method: str) -> str:
    return {
        "counter": "energy counters",
        "integrated": "integrated power readings",
        "estimated": "models",
        "simulated": "simulation",
    }.get(method, method)


def compute_form_csv(facts: Appendix) -> str:
    """Return the figures of CVPR's compute reporting form: field, value, source.

    ``auto`` figures come from the records, ``manual`` ones from the authors; a missing
    one reads TODO.  Hours are GPU-hours, or run time where there was no GPU.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("field", "value", "source"))
    for field, value, source in _form_rows(Page(facts=facts)):
        writer.writerow((field, guarded(value), source))
    return out.getvalue()


FORM_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("search", ("search",)),
    ("ablation", ("ablation",)),
    ("inference", ("inference",)),
    ("failed", ("failed",)),
    ("other", ("development", "other")),
)


def _form_rows(page: Page) -> Iterator[tuple[str, str, str]]:
    facts, author = page.facts, page.facts.author
    compute = facts.compute
    auto, manual = "auto", "manual"

    def stated(value: object) -> str:
        return TODO if value in (None, "") else str(value)

    yield "hardware", _hardware(page) or TODO, auto
    yield "gpus", gpu_models(page) if compute.gpus else "0", auto
    memory = {g.memory_gb for g in compute.groups if g.kind == "gpu" and g.memory_gb}
    gpu_memory = "; ".join(plain_number(gb) for gb in sorted(memory))
    yield "gpu_memory_gb", gpu_memory or (TODO if compute.gpus else "0"), auto
    yield "task", stated(author.task), manual
    yield "model_parameters", _figure(author.parameters), manual
    yield "model_flops", _figure(author.flops), manual
    unit = "gpu_hours" if compute.gpus else "run_hours"
    yield f"total_{unit}", _hours(page, facts.totals.amount), auto
    yield from _form_split(page, unit)
    runs = facts.totals.amount
    yield "runs", str(runs.runs), auto
    yield "failed_runs", str(runs.failed_runs), auto
    unrecorded = author.unrecorded_gpu_hours
    yield (
        "unrecorded_gpu_hours",
        "0" if unrecorded is None else _figure(unrecorded),
        (manual),
    )
    yield "search_configurations", TODO, manual
    yield "ablation_configurations", TODO, manual
    yield "logs", facts.provenance.records_sha256 or TODO, auto
    yield "verification", "jupyter green verify energy-report.json", auto


def _figure(value: float | None) -> str:
    return TODO if value is None else plain_number(value)


def _hours(page: Page, amount: Amount) -> str:
    hours = amount.gpu_hours if page.facts.compute.gpus else amount.run_time_s / 3600
    return HOURS.number(hours)


def _form_split(page: Page, unit: str) -> Iterator[tuple[str, str, str]]:
    """Yield hours and percent of each part; TODO while runs are untagged."""
    parts = {part.key: part.amount for part in page.facts.by_purpose}
    is_told = "untagged" not in parts and bool(parts)
    training = page.facts.author.training_type
    trained = {"": "training_or_fine_tuning", "pre-training": "training"}
    final = trained.get(training, "fine_tuning")
    for name, keys in ((final, ("final",)), *FORM_PARTS):
        amounts = [parts[key] for key in keys if key in parts]
        # Failed runs are known without a tag.
        known = is_told or name == "failed"
        yield f"{name}_{unit}", _summed(page, amounts) if known else TODO, "auto"
        share = _share_of(page, amounts) if known else TODO
        yield f"{name}_percent", share, "auto"
    if "untagged" in parts:
        yield f"untagged_{unit}", _summed(page, [parts["untagged"]]), "auto"


def _of(page: Page) -> Callable[[Amount], float]:
    if page.facts.compute.gpus:
        return lambda amount: amount.gpu_hours
    return lambda amount: amount.run_time_s / 3600


def _summed(page: Page, amounts: Iterable[Amount]) -> str:
    return HOURS.number(sum(map(_of(page), amounts)))


def _share_of(page: Page, amounts: Iterable[Amount]) -> str:
    whole = _of(page)(page.facts.totals.amount)
    if not whole:
        return TODO
    return percent(sum(map(_of(page), amounts)) / whole).removesuffix(" %")
