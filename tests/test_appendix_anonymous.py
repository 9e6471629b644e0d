"""An anonymous report tells nothing of its authors; the numbers stay."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from appendix_ledgers import UNHURRIED, at, ledgers
from hypothesis import assume, given
from hypothesis import strategies as st
from ledger_samples import device, record

from jupyter_green.records import Git, Host, Intensity, Pue, Record
from jupyter_green.report.appendix.anonymous import Anonymiser, anonymize
from jupyter_green.report.appendix.author import AuthorFacts, Options, Scope
from jupyter_green.report.appendix.build import build, facts_of, prepare
from jupyter_green.report.appendix.canonical import canonical, seal
from jupyter_green.report.appendix.evidence import LedgerFile
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.origin import Source
from jupyter_green.report.appendix.rows import csv_text, rows
from jupyter_green.report.appendix.scrubbing import NOBODY, Scrubber
from jupyter_green.report.appendix.verify import verify

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HOST_ID = "feedfacecafebeef"
# Every one of these stands somewhere in the ledger below.
SECRETS = (
    "jdoe",
    "Jane Doe",
    "Doe",
    "gpunode07",
    "cluster.acme.example",
    "Acme Institute",
    "Titanic-3000",
    "acme-lab",
    "secret-idea",
    "10.11.12.13",
    "fe80::1ff:fe23",
    "48.8566",
    "2.3522",
    "/scratch",
    "C:\\Users",
    "jane.doe@acme.example",
    "github.com",
    "gitlab.acme.example",
    "paper_of_jane.ipynb",
    COMMIT,
    COMMIT[:12],
    HOST_ID,
)
AUTHOR = AuthorFacts(
    cluster="Titanic-3000",
    institution="Acme Institute",
    authors=("Jane Doe",),
    remotes=("git@github.com:acme-lab/secret-idea.git",),
    final_means="what ran on Titanic-3000 for https://github.com/acme-lab/secret-idea",
    limitations=("Jane Doe's node gpunode07 at 48.8566, 2.3522 was hot.",),
    comments="mail jane.doe@acme.example; see https://gitlab.acme.example/x/y",
    pue=1.2,
    pue_source="operators of Titanic-3000 at Acme Institute",
)
OPTIONS = Options(scope=Scope(project="/scratch/jdoe", labels=("*",)))
SOURCE = Source(
    files=(LedgerFile(name="20260601-gpunode07.jsonl", sha256="0" * 64, size_bytes=1),),
    command="jupyter green report --ledger /scratch/jdoe/x --project /scratch/jdoe",
)


def planted() -> list[Record]:
    """Return a ledger full of secrets."""
    host = Host(id=HOST_ID, name="gpunode07.cluster.acme.example", cpu_model="EPYC")
    labels = (
        "seed 1 by jdoe",
        "on gpunode07 at 10.11.12.13 and fe80::1ff:fe23",
        "/scratch/jdoe/secret-idea/out.log",
        "C:\\Users\\jdoe\\x",
        "Titanic-3000 = fast, paper_of_jane.ipynb",
        "",
    )
    return [
        record(
            f"{number}{number}",
            label=label,
            started_at=at(60.0 * number),
            notebook=f"/scratch/jdoe/acme-lab/{name}",
            cell_id=f"cell-{number % 2}",
            host=host,
            git=Git(commit=COMMIT, dirty=False),
            status="error" if number == 3 else "ok",
            error="AcmeError",
            devices=(
                device(id="GPU-deadbeef-4711"),
                device(
                    None,
                    id="package-0",
                    kind="cpu",
                    reason="/sys of gpunode07.cluster.acme.example: no permission",
                ),
            ),
            intensity=Intensity(
                g_per_kwh=50.0, zone="FRA", source="Acme Institute at 48.8566, 2.3522"
            ),
            flags=("seen-by-jdoe",),
            versions={"python": "3.11.2", "torch": "1.2.3.4"},
        )
        for number, label in enumerate(labels)
        for name in ("paper_of_jane.ipynb", "b.ipynb")[number % 2 : number % 2 + 1]
    ]


def texts(value: Any) -> Iterator[str]:
    """Yield all texts in plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts(key)
            yield from texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts(each)


@pytest.fixture
def facts() -> Appendix:
    """Return the facts with names."""
    return build(planted(), AUTHOR, OPTIONS, SOURCE)


def test_the_planted_secrets_are_there_before(facts: Appendix) -> None:
    """Else the next test could not fail."""
    found = "\n".join(texts(msgspec.to_builtins(facts)))
    for secret in SECRETS:
        assert secret in found or secret in (COMMIT[:12], "cluster.acme.example")


def test_no_secret_is_in_the_json_or_the_table() -> None:
    """Nor in any other case of letters."""
    work = prepare(planted(), AUTHOR, OPTIONS)
    named = facts_of(work, OPTIONS, SOURCE)
    anonymiser = Anonymiser(named)
    json_text = canonical(anonymiser.facts()).decode()
    table = csv_text(anonymiser.row(row) for row in rows(work, named))
    assert table.count("\n") == 7
    for output in (json_text, table):
        # A backslash is doubled in JSON.
        plain = output.replace("\\\\", "\\").lower()
        for secret in SECRETS:
            assert secret.lower() not in plain, secret


def test_labels_stay_readable_and_notebooks_are_numbered(facts: Appendix) -> None:
    """What is no secret is kept; the same notebook has the same name everywhere."""
    hidden = anonymize(facts)
    keys = {row.key for row in hidden.by_experiment.rows}
    assert "seed 1 by [removed]" in keys
    assert "[removed] = fast, notebook 1" in keys or (
        "[removed] = fast, notebook 2" in keys
    )
    uses = [use.path for use in hidden.extent.notebook_uses]
    assert uses == ["notebook 1", "notebook 2"]
    cells = {(row.notebook, row.key) for row in hidden.by_cell.rows}
    assert all(key.startswith(f"{notebook}#cell-") for notebook, key in cells)
    assert {run.notebook for run in hidden.largest_runs} == set(uses)
    assert hidden.compute.software[1].versions == {"1.2.3.4": 6}
    assert hidden.compute.machines[0].cpu_model == "EPYC"
    assert hidden.compute.devices[0].name == "H200"
    assert hidden.author.pue_source == "operators of [removed] at [removed]"
    assert hidden.options.is_anonymous
    assert [state.commit for state in hidden.provenance.git] == ["commit 1"]


def test_the_commit_can_be_kept_and_everything_in_camera_ready(
    facts: Appendix,
) -> None:
    """The authors choose."""
    kept = anonymize(facts, keeps_commit=True)
    assert [state.commit for state in kept.provenance.git] == [COMMIT]
    assert anonymize(facts, camera_ready=True) is facts


def test_the_place_can_be_withheld_while_the_intensity_stays() -> None:
    """A country can tell who the authors are."""
    author = AuthorFacts(withhold_location=True, location="France")
    work = prepare(planted(), author)
    named = facts_of(work)
    anonymiser = Anonymiser(named)
    hidden = anonymiser.facts()
    (supply,) = hidden.totals.supplies
    assert (supply.zone, supply.g_per_kwh) == ("withheld", 50.0)
    assert hidden.author.location == "withheld"
    assert {anonymiser.row(row).intensity_zone for row in rows(work, named)} == {
        "withheld"
    }


@UNHURRIED
@given(
    st.from_regex(r"[a-z][a-z0-9-]{2,11}[a-z0-9]", fullmatch=True),
    st.sampled_from(("{} 1", "by_{}", "x/{}/y", "({})", "{}.example:22", "a={};b")),
)
def test_a_user_and_a_host_of_any_name_are_removed(name: str, label: str) -> None:
    """From labels, paths, reasons and remarks, wherever they stand in them."""

    def report(secret: str) -> str:
        runs = [
            record(
                "a",
                label=label.format(secret),
                notebook=f"/home/{secret}/n.ipynb",
                host=Host(id="c" * 16, name=f"{secret}.example"),
                devices=(device(None, reason=f"busy with {secret}"),),
                flags=(f"asked-{secret}",),
                versions={"torch": f"2.4+{secret}"},
            )
        ]
        return canonical(anonymize(build(runs))).decode().lower()

    # The form's own words can hold a short name by chance.
    assume(name not in NOBODY and name not in report("qqqqqqqq"))
    assert name not in report(name)


def test_a_notebooks_name_without_its_suffix_is_a_name_too() -> None:
    """Labels speak of notebooks so; words that are no names stay."""
    runs = [
        record("a", label="exp-03 again", notebook="/p/exp-03.ipynb"),
        record("b", label="training again", notebook="/p/training.ipynb"),
    ]
    keys = {row.key for row in anonymize(build(runs)).by_experiment.rows}
    assert "training again" in keys
    assert keys & {"notebook 1 again", "notebook 2 again"}


@UNHURRIED
@given(ledgers())
def test_numbers_are_the_same_without_names(records: list[Record]) -> None:
    """Anonymity costs no figure, and twice anonymous is once anonymous."""

    def only_numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [n for each in value.values() for n in only_numbers(each)]
        if isinstance(value, (list, tuple)):
            return [n for each in value for n in only_numbers(each)]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return [value] if is_number else []

    named = build(records)
    hidden = anonymize(named)
    assert only_numbers(msgspec.to_builtins(hidden)) == only_numbers(
        msgspec.to_builtins(named)
    )
    assert canonical(anonymize(hidden)) == canonical(hidden)
    assert "jane" not in canonical(hidden).decode()


def test_an_anonymous_report_can_be_verified(facts: Appendix) -> None:
    """With the authors' facts, or without what was removed of them."""
    report = seal(anonymize(facts))
    assert verify(report, planted(), author=AUTHOR, scope=OPTIONS.scope) == ()
    assert verify(report, planted(), scope=OPTIONS.scope) == ()


def test_names_of_this_machine_are_removed_where_they_are_given() -> None:
    """The doors know the user and the host; the ledger need not."""
    named = build([record("a", label="of mallory on box")])
    (row,) = anonymize(named, ["mallory", "box"]).by_experiment.rows
    assert row.key == "of [removed] on [removed]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr=0.1, 3.5 kWh/day and 12/2026", "lr=0.1, 3.5 kWh/day and 12/2026"),
        ("gcp:europe-west1 USA/california", "gcp:europe-west1 USA/california"),
        ("at 11:02:03 for 1:2 odds", "at 11:02:03 for 1:2 odds"),
        ("torch 2.4.1+cu121", "torch 2.4.1+cu121"),
        ("IPv4 192.168.0.1, v1.2.3", "IPv4 [removed], v1.2.3"),
        ("mac 00:1b:44:11:3a:b7", "mac [removed]"),
        ("~/runs and ~bob/runs", "[removed] and [removed]"),
        ("\\\\server\\share\\x", "[removed]"),
        ("a@b.example wrote", "[removed] wrote"),
        ("ssh://git@host/x.git", "[removed]"),
        ("http://10.0.0.1:8888/lab", "http://[removed]:8888/lab"),
        ("s3://bucket/key", "[removed]"),
        ("GPU-3f2a91bc-0d1e-77aa-9b3c-0123456789ab is lost", "[removed] is lost"),
        ("MIG-3f2a91bc-0d1e-77aa-9b3c-0123456789ab", "[removed]"),
        ("GPU-hours, GPU-0 and gpu-2026", "GPU-hours, GPU-0 and gpu-2026"),
        ("Uptime survey, https://uptimeinstitute.com/x", None),
        ("amy's roamy amy_2", "[removed]'s roamy [removed]_2"),
        ("", ""),
    ],
)
def test_what_looks_like_an_address_is_removed_and_nothing_else(
    text: str, expected: str | None
) -> None:
    """Paths, addresses and names go; fractions, times, versions and sources stay."""
    assert Scrubber(["amy"])(text) == (text if expected is None else expected)


def test_names_that_tell_nobody_are_no_secrets() -> None:
    """`root` finding stays what it is."""
    runs = [record("a", label="root finding", notebook="/home/" + "root/x.ipynb")]
    (row,) = anonymize(build(runs)).by_experiment.rows
    assert row.key == "root finding"


def test_words_of_the_form_are_never_taken_for_secrets() -> None:
    """An author called Cell or Final does not break the report."""
    author = AuthorFacts(authors=("Final Cell", "Gpu Counter", "Key Label"))
    hidden = anonymize(build([record("a", purpose="final", pue=Pue())], author))
    assert hidden.by_purpose[0].key == "final"
    assert hidden.totals.components[0].method == "counter"
    assert json.loads(canonical(hidden))
