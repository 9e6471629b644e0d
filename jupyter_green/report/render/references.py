"""A bibliography's entries as BibTeX and as words.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jupyter_green.report.document import (
    Cite,
    Document,
    Inlines,
    Link,
    Reference,
    Text,
    inlines,
)
from jupyter_green.report.render.escape import bibtex

# Printed as they are by every style: no character of TeX that needs escaping.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9:/.?=+,;()@!*'_-]+")
_ADDRESSES = ("url", "doi", "eprint")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KEY = re.compile(r"[A-Za-z0-9:./+_-]+")  # BibTeX gives others a meaning
_SHORT_LIST = 2  # authors that are all named in a citation


def cited(document: Document) -> tuple[Reference, ...]:
    """Return the references that the page cites, in their order."""
    keys = {
        key for part in inlines(document) if isinstance(part, Cite) for key in part.keys
    }
    return tuple(entry for entry in document.references if entry.key in keys)


def bibliography(references: Iterable[Reference]) -> str:
    """Return the entries as BibTeX, for BibTeX 0.99 and biber.

    Titles keep their capitals.  An address that TeX could misread stands escaped in
    the note instead.

    Raises:
        ValueError: A key, an entry's kind or a field's name is not of BibTeX's form.
    """
    head = "Sources of the energy appendix, written by jupyter_green.\n"
    return "\n".join([head, *map(_entry, references)])


def _entry(reference: Reference) -> str:
    names = (reference.entry, *reference.fields)
    if not _KEY.fullmatch(reference.key) or not all(map(_NAME.fullmatch, names)):
        raise ValueError(f"not a BibTeX entry: {reference.key!r}, {', '.join(names)}")
    fields = dict(_fields(reference))
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items()]
    return "\n".join([f"@{reference.entry}{{{reference.key},", *lines, "}", ""])


def _fields(reference: Reference) -> Iterator[tuple[str, str]]:
    notes = []
    for name, text in reference.fields.items():
        if name in _ADDRESSES:
            if _PLAIN_ADDRESS.fullmatch(text):
                yield name, text
            else:
                notes.append(bibtex(text))
        elif name == "note":
            notes.append(bibtex(text))
        elif name in ("author", "editor"):
            yield name, " and ".join(map(_bibtex_name, _names(reference.fields, name)))
        elif name == "title":
            yield name, f"{{{bibtex(text)}}}"
        else:
            yield name, bibtex(text)
    if notes:
        yield "note", ". ".join(notes)


def _bibtex_name(name: str) -> str:
    organisation = _organisation(name)
    return f"{{{bibtex(organisation)}}}" if organisation else bibtex(name)


def address(reference: Reference) -> str:
    """Return where the entry is found: its DOI's or its own address, or nothing."""
    fields = reference.fields
    if doi := fields.get("doi"):
        return doi if doi.startswith("http") else f"https://doi.org/{doi}"
    if url := fields.get("url"):
        return url
    if (eprint := fields.get("eprint")) and _is_arxiv(fields):
        return f"https://arxiv.org/abs/{eprint}"
    return ""


def _is_arxiv(fields: dict[str, str]) -> bool:
    return fields.get("archiveprefix", fields.get("archivePrefix", "")) == "arXiv"


def in_words(reference: Reference) -> Inlines:
    """Return the entry for a list of references: authors, title, where, year."""
    fields = reference.fields
    where = ("journal", "booktitle", "howpublished", "institution", "publisher")
    parts = (
        ", ".join(map(_read, _names(fields, "author"))),
        fields.get("title", ""),
        next((fields[name] for name in where if fields.get(name)), ""),
        fields.get("year", ""),
        fields.get("note", ""),
    )
    text = " ".join(f"{part.rstrip('. ')}." for part in parts if part)
    link = address(reference)
    return (Text(f"{text} "), Link(link, link)) if link else (Text(text),)


def in_short(reference: Reference) -> str:
    """Return author and year, such as ``Strubell et al. 2019``."""
    names = [_surname(name) for name in _names(reference.fields, "author")]
    if len(names) > _SHORT_LIST:
        names = [f"{names[0]} et al."]
    who = " and ".join(names) or reference.fields.get("title", reference.key)
    return " ".join(filter(None, (who, reference.fields.get("year", ""))))


def _names(fields: dict[str, str], field: str) -> list[str]:
    """Return the names as BibTeX has them; one in braces is an organisation's."""
    return list(filter(None, re.split(r"\s+and\s+", fields.get(field, "").strip())))


def _organisation(name: str) -> str:
    return name[1:-1] if name[0] + name[-1] == "{}" else ""


def _read(name: str) -> str:
    """Return a name as it is read, first names first."""
    last, comma, first = name.partition(",")
    natural = f"{first.strip()} {last.strip()}" if comma else name
    return _organisation(name) or natural


def _surname(name: str) -> str:
    last, comma, _ = name.partition(",")
    return _organisation(name) or (
        last.strip() if comma else name.rsplit(maxsplit=1)[-1]
    )
