"""Make the facts of a report: records in, one frozen value out.

Pure: nothing is read, asked or printed, and the order of the records does not matter.
Imports this package's own modules.

    >>> build([]).flags[0].code
    'no-records'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from jupyter_green.records import Record
from jupyter_green.report.appendix.adding import Adder
from jupyter_green.report.appendix.author import AuthorFacts, Options
from jupyter_green.report.appendix.boundary import extent
from jupyter_green.report.appendix.derived import derive
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.flags import find_flags, not_metered
from jupyter_green.report.appendix.history import largest_runs, timeline
from jupyter_green.report.appendix.inventory import describe
from jupyter_green.report.appendix.listings import Lister, cell_key, experiment_key
from jupyter_green.report.appendix.origin import Source, provenance
from jupyter_green.report.appendix.quality import judge
from jupyter_green.report.appendix.selection import select
from jupyter_green.report.appendix.summing import (
    by_purpose,
    failed_parts,
    reported_split,
    totals,
    uncertainty,
    whole,
)
from jupyter_green.report.appendix.work import Work, tabulate

# A run that was added by hand can have thousands; the groups count them all.
MAX_DEVICES = 200


def build(
    records: Iterable[Record],
    author: AuthorFacts | None = None,
    options: Options | None = None,
    source: Source | None = None,
    *,
    comparisons: Iterable[dict[str, Any]] = (),
) -> Appendix:
    """Return the facts of a report, with names; `anonymous.anonymize` removes them.

    Args:
        records: All that were read; the scope in *options* selects.  Records out of
            scope count only where they used a device at the same time.
        author: What the authors state.
        options: Scope, and how long lists are.
        source: What is known of the files.
        comparisons: What `report.compare` says of some experiments.

    Raises:
        LedgerError: The scope names a time that is none.
    """
    options = options or Options()
    work = prepare(records, author, options)
    return facts_of(work, options, source, comparisons=comparisons)


def prepare(
    records: Iterable[Record],
    author: AuthorFacts | None = None,
    options: Options | None = None,
) -> Work:
    """Return what counts, in columns: once for facts, rows and comparisons alike.

    Raises:
        LedgerError: The scope names a time that is none.
    """
    scope = (options or Options()).scope
    return tabulate(select(records, scope), author or AuthorFacts())


def facts_of(
    work: Work,
    options: Options | None = None,
    source: Source | None = None,
    *,
    comparisons: Iterable[dict[str, Any]] = (),
) -> Appendix:
    """Return the facts of what `prepare` gave."""
    options = options or Options()
    adder = Adder(work)
    amount = whole(work, adder)
    compute = describe(work, adder)
    sums = totals(work, adder, amount)
    lister = Lister(work, adder, options.top, amount)
    covered = extent(work, amount, sums.components, compute, lister)
    purposes = by_purpose(work, adder)
    failed_by_status, failed_by_purpose = failed_parts(work, adder)
    reported = reported_split(work, adder, amount)
    origin = provenance(work, source or Source())
    listed = replace(
        compute,
        devices=compute.devices[:MAX_DEVICES],
        other_devices=max(0, len(compute.devices) - MAX_DEVICES),
    )
    return Appendix(
        extent=covered,
        compute=listed,
        totals=sums,
        by_purpose=purposes,
        failed_by_status=failed_by_status,
        failed_by_purpose=failed_by_purpose,
        reported=reported,
        by_experiment=lister.experiments(experiment_key),
        by_cell=lister.experiments(cell_key),
        quality=judge(
            compute.devices,
            work.author,
            not_metered_runs=sum(not_metered(record) for record in work.records),
        ),
        uncertainty=uncertainty(work, adder, amount, compute.devices),
        optional=derive(amount, work.author),
        comparisons=tuple(comparisons),
        timeline=timeline(work),
        largest_runs=largest_runs(work, adder, options.top_runs),
        flags=find_flags(
            work,
            extent=covered,
            compute=compute,
            totals=sums,
            reported=reported,
            by_purpose=purposes,
            provenance=origin,
        ),
        author=work.author,
        options=options,
        provenance=origin,
    )
