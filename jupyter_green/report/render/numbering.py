"""Number a page's sections, tables, figures and citations, where the format does not.

LaTeX numbers by itself; Markdown and HTML print what is counted here.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_green.report.document import (
    Cite,
    Document,
    Figure,
    Ref,
    Table,
    blocks,
    inlines,
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is counted.

    Attributes:
        labels: Number of each section, table and figure by kind and label; the page
            itself has 0.
        keys: Number of each reference by its key, in the order of citing; references
            that nothing cites come last.
    """

    labels: dict[tuple[str, str], int]
    keys: dict[str, int]

    def words(self, ref: Ref) -> str:
        """Return what is printed for a reference, such as ``Table 3``."""
        number = self.labels[ref.kind, ref.label]
        return f"{ref.kind.capitalize()} {number}" if number else "this appendix"

    def marks(self, cite: Cite) -> str:
        """Return what is printed for a citation, such as ``[1, 3]``."""
        return f"[{', '.join(str(self.keys[key]) for key in cite.keys)}]"


def count(document: Document) -> Numbers:
    """Return the numbers of a page that has no `document.problems`."""
    labels = {("section", document.label): 0}
    for number, section in enumerate(document.sections, start=1):
        labels["section", section.label] = number
    for kind, form in (("table", Table), ("figure", Figure)):
        found = [block for block in blocks(document) if isinstance(block, form)]
        for number, block in enumerate(found, start=1):
            labels[kind, block.label] = number
    cited = [
        key for part in inlines(document) if isinstance(part, Cite) for key in part.keys
    ]
    keys = dict.fromkeys((*cited, *(r.key for r in document.references)))
    return Numbers(labels, {key: n for n, key in enumerate(keys, start=1)})
