"""Untrusted text, made safe for each format and still readable.

`tidy` comes first everywhere: one line, no control or bidirectional characters (they
are named, as ``[U+0007]``, or dropped where they are invisible by nature), at most
`MOST_MARKS` marks on a letter.  `shorten` cuts what no reader would read and leaves a
hash, so that two long labels stay apart.  Then each format has its escaper:

- `latex` and `latex_code`: only commands of the LaTeX kernel and fonts of the plainest
  encoding (OT1), so that the text compiles in any class.  Accents become accents, Greek
  becomes mathematics, everything else is transliterated to ASCII (``北京`` becomes
  ``BeiJing``); the original stays in the other formats.  XeLaTeX and LuaLaTeX get the
  same text: which letters their fonts have is not known here.
- `bibtex`: as `latex`, for a field of a BibTeX entry.
- `markdown` and `markdown_code`: characters as they are, marks escaped, no raw HTML.
- HTML needs `tidy` and `html.escape` only.

Why not pylatexenc for LaTeX: its commands need packages and encodings which the venues'
classes do not load.  All functions are pure.
"""

# ruff: noqa: RUF001 - characters that look like others are the subject here

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

LONGEST_WORD = 60  # characters without a blank; two lines of a narrow column
LONGEST_NAME = 70  # of a hash, path or command; a SHA-256 has 64
LONGEST_TEXT = 4000  # about a page; more is no author's text
MOST_MARKS = 3  # combining marks on one letter; no orthography needs more
_HASH_DIGITS = 8
# From these lengths on a word, and what is none, may be broken in a narrow column.
_LONG_WORD, _LONG_NAME = 17, 11
_BREAK_EVERY = 5
_NO_BREAK = "'’([{"  # marks within a word, or before one

# Invisible by nature, and wanted: joiners of Indic scripts, Persian and emoji.
_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = ("R", "AL", "AN")
_SUBSCRIPT_CO2 = re.compile(r"(?<![A-Za-z0-9])CO2(?![0-9])")

# What OT1 fonts would print as something else, or TeX would take as its own.
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\ensuremath{\mathdollar}",  # \$ is in no Type 1 font of TeX Live's base
    "#": r"\#",
    "_": r"\_",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",  # by number: babel makes the character itself active
    "`": r"\`{}",
}
# Typewriter fonts have all of ASCII in its place in every encoding.
_LATEX_CODE = {c: rf"\char{ord(c)}{{}}" for c in _LATEX}
_LIGATURES = "-',<>?!"  # two of them in a row are another character in some font

_SYMBOLS = {
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "÷": r"\ensuremath{\div}",
    "·": r"\ensuremath{\cdot}",
    "−": r"\ensuremath{-}",
    "≈": r"\ensuremath{\approx}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "≠": r"\ensuremath{\ne}",
    "≡": r"\ensuremath{\equiv}",
    "∼": r"\ensuremath{\sim}",
    "∞": r"\ensuremath{\infty}",
    "∑": r"\ensuremath{\sum}",
    "∆": r"\ensuremath{\Delta}",
    "∈": r"\ensuremath{\in}",
    "√": r"\ensuremath{\surd}",
    "∂": r"\ensuremath{\partial}",
    "∇": r"\ensuremath{\nabla}",
    "→": r"\ensuremath{\rightarrow}",
    "←": r"\ensuremath{\leftarrow}",
    "↔": r"\ensuremath{\leftrightarrow}",
    "↑": r"\ensuremath{\uparrow}",
    "↓": r"\ensuremath{\downarrow}",
    "⇒": r"\ensuremath{\Rightarrow}",
    "°": r"\ensuremath{^\circ}",
    "µ": r"\ensuremath{\mu}",
    "•": r"\ensuremath{\bullet}",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "§": r"\ensuremath{\mathsection}",
    "¶": r"\ensuremath{\mathparagraph}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "å": r"\aa{}",
    "Å": r"\AA{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "¿": "?`",
    "¡": "!`",
    **{digit: rf"\ensuremath{{_{i}}}" for i, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{digit: rf"\ensuremath{{^{i}}}" for i, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING CEDILLA}": "c",
    "\N{COMBINING DOT BELOW}": "d",
    "\N{COMBINING MACRON BELOW}": "b",
}
_BELOW = "cdb"  # these leave i and j their dots
# Capitals in TeX's mathematics; those that look like Latin letters have no command.
_GREEK_CAPITALS = {
    "ALPHA": "A",
    "BETA": "B",
    "EPSILON": "E",
    "ZETA": "Z",
    "ETA": "H",
    "IOTA": "I",
    "KAPPA": "K",
    "MU": "M",
    "NU": "N",
    "OMICRON": "O",
    "RHO": "P",
    "TAU": "T",
    "CHI": "X",
    "GAMMA": r"\Gamma",
    "DELTA": r"\Delta",
    "THETA": r"\Theta",
    "LAMBDA": r"\Lambda",
    "LAMDA": r"\Lambda",
    "XI": r"\Xi",
    "PI": r"\Pi",
    "SIGMA": r"\Sigma",
    "UPSILON": r"\Upsilon",
    "PHI": r"\Phi",
    "PSI": r"\Psi",
    "OMEGA": r"\Omega",
}
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (?:(FINAL) )?([A-Z]+)")


def tidy(text: str) -> str:
    """Return *text* on one line without what could steer or overflow a page.

    Blanks are joined to one but kept at the ends.  Characters without a form get their
    number, invisible ones that only steer the direction or the width are dropped.
    """
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for c in text:
        category = unicodedata.category(c)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category == "Cf" and c not in _JOINERS:
            continue
        if category[0] == "C" and c not in _JOINERS:
            shown.append(f"[U+{ord(c):04X}]")
        elif marks <= MOST_MARKS:
            shown.append(c)
    return "".join(shown)


def shorten(text: str, longest: int) -> str:
    """Return *text* of at most *longest* characters, both ends kept, with a hash.

    The hash tells apart what differs only in the part left out.
    """
    if len(text) <= longest:
        return text
    mark = f"… (#{sha256(text.encode()).hexdigest()[:_HASH_DIGITS]})"
    tail = max(0, min(8, (longest - len(mark)) // 4))
    head = max(1, longest - len(mark) - tail)
    # The ellipsis stands where the cut is, the hash at the end.
    return f"{text[:head]}…{text[len(text) - tail :]}{mark[1:]}"


def shorten_words(text: str, longest: int = LONGEST_WORD) -> str:
    """Return *text* with each word of more than *longest* characters shortened."""
    if len(text) <= longest:
        return text
    return " ".join(shorten(word, longest) for word in text.split(" "))


def is_right_to_left(text: str) -> bool:
    """Return whether *text* has letters that are written from right to left."""
    return not text.isascii() and any(
        unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text
    )


def with_subscripts(text: str, subscript: str) -> str:
    """Return *text* with *subscript* in place of each ``CO2``."""
    return _SUBSCRIPT_CO2.sub(lambda _: subscript, text)


def transliterated(text: str) -> str:
    """Return *text* in the letters that every LaTeX font has, or matplotlib's own.

    Latin letters with accents, Greek and common signs stay; others are written in
    ASCII by their sound or name; those that have neither by their number.
    """
    text = tidy(text)
    return text if text.isascii() else "".join(map(_transliterated, text))


def _transliterated(c: str) -> str:
    from anyascii import anyascii  # noqa: PLC0415 - only for text beyond ASCII

    if c.isascii() or _sign(c):
        return c
    if plain := anyascii(c):
        return plain
    nameless = unicodedata.category(c) in ("Mn", "Me", "Mc", "Lm", "Cf")
    return "" if nameless else f"[U+{ord(c):04X}]"


def _sign(c: str) -> str:
    """Return the LaTeX of a character beyond ASCII, or an empty string."""
    return _SYMBOLS.get(c) or _accented(c) or _greek(c)


def _accented(c: str) -> str:
    decomposed = unicodedata.normalize("NFD", c)
    letter, accent = decomposed[0], _ACCENTS.get(decomposed[1:])
    if accent is None or not (letter.isascii() and letter.isalpha()):
        return ""
    if letter in "ij" and accent not in _BELOW:
        letter = rf"\{letter}"
    return rf"\{accent}{{{letter}}}"


def _greek(c: str) -> str:
    found = _GREEK.match(unicodedata.name(c, ""))
    if found is None:
        return ""
    case, final, letter = found.groups()
    capital = _GREEK_CAPITALS.get(letter, "")
    if case == "CAPITAL" or not capital or letter == "OMICRON":
        shown = capital if case == "CAPITAL" else capital.lower()
    else:
        name = letter.lower().replace("lamda", "lambda")
        shown = rf"\{'var' if final else ''}{name}"
    return rf"\ensuremath{{{shown}}}" if shown.startswith("\\") else shown


def latex(text: str, *, longest: int = LONGEST_TEXT, breakable: bool = True) -> str:
    r"""Return *text* for LaTeX's paragraphs, cells, captions and headings.

    Args:
        text: Anything.
        longest: Characters after transliteration; the rest is left out.
        breakable: Long words get ``\jgb`` and ``\jgc`` where they may be broken and
            may be if they must; `jupyter_green.report.render.latex` defines them.
    """
    words = shorten(shorten_words(transliterated(text)), longest).split(" ")
    return " ".join(_latex_word(word, _LATEX, breakable=breakable) for word in words)


def latex_code(text: str, *, longest: int = LONGEST_TEXT) -> str:
    r"""Return *text* for the inside of ``\texttt``; it can be broken anywhere."""
    short = shorten(shorten_words(transliterated(text), LONGEST_NAME), longest)
    words = short.split(" ")
    return " ".join(_latex_word(word, _LATEX_CODE, breakable=True) for word in words)


def bibtex(text: str) -> str:
    """Return *text* for a field of a BibTeX entry, in balanced braces.

    Accented letters stand in braces of their own, as BibTeX sorts and abbreviates by
    them.
    """
    return " ".join(map(_bibtex_word, transliterated(text).split(" ")))


def _bibtex_word(word: str) -> str:
    breaks = _breaks(word, is_code=False) if len(word) > _LONG_WORD else {}
    signs = _signs(word, _LATEX)
    return "".join(
        # No \jgb here: the bibliography may stand before the appendix.
        (r"{\penalty0\hskip0pt}" if i in breaks else "")
        + (sign if word[i].isascii() else f"{{{sign}}}")
        for i, sign in enumerate(signs)
    )


def _latex_word(word: str, specials: dict[str, str], *, breakable: bool) -> str:
    signs = _signs(word, specials)
    if not breakable:
        return "".join(signs)
    breaks = _breaks(word, is_code=specials is _LATEX_CODE)
    return "".join(f"{breaks.get(i, '')}{sign}" for i, sign in enumerate(signs))


def unbreakable(text: str, *, is_code: bool = False) -> list[str]:
    """Return the pieces of *text* that `latex` or `latex_code` leave in one."""
    pieces = []
    for word in shorten_words(transliterated(text)).split():
        points = sorted(_breaks(word, is_code=is_code))
        ends = [*points, len(word)]
        pieces += [word[i:j] for i, j in zip([0, *points], ends, strict=True)]
    return pieces


def _breaks(word: str, *, is_code: bool) -> dict[int, str]:
    """Return before which characters a word is broken, and TeX's mark for it.

    Words of a language are TeX's to hyphenate, unless they are too long for it.
    """
    letters = word.strip("\"'(),.;:!?[]")
    if not is_code and letters.isalpha() and letters[1:].islower():
        if len(word) < _LONG_WORD:
            return {}
        return dict.fromkeys(range(_BREAK_EVERY, len(word) - 2, _BREAK_EVERY), r"\-")
    if len(word) < _LONG_NAME:
        return {}
    breaks, last = {}, 0
    for run in re.finditer(r"[^\W_]+|[\W_]+", word):
        start, end = run.span()
        if (
            start - last > 1
            and word[start].isalnum()
            and word[start - 1] not in _NO_BREAK
        ):
            breaks[start] = r"\jgb "  # after a mark
            last = start
        # Within a run only where there is no other way, and where it is no word.
        if is_code or end - start >= _LONG_NAME:
            while end - last > _BREAK_EVERY + 1:
                last += _BREAK_EVERY
                breaks[last] = r"\jgc "
    return breaks


def _signs(text: str, specials: dict[str, str]) -> list[str]:
    """Return the LaTeX of each character of a transliterated text."""
    signs = []
    for i, c in enumerate(text):
        sign = specials.get(c) or (c if c.isascii() else _sign(c))
        # An empty group keeps two of them from joining.
        joins = c in _LIGATURES and text[i + 1 : i + 2] in (c, "`")
        signs.append(f"{sign}{{}}" if joins and sign == c else sign)
    return signs


# Markdown of CommonMark with GitHub's tables.

_MARKS = re.compile(r"([\\`*_\[\]|~$#])")
_LINE_START = re.compile(r"[-+=:](?![0-9A-Za-z])|\d{1,9}[.)](?=\s|$)")
# Blanks in code after which a line must not begin: an escape would be seen there.
_BLANK_IN_CODE = re.compile(r" (?=[-+=:>#*`~]|\d{1,9}[.)](?:\s|$))")
UNBROKEN_BLANK = "\ue000"  # of a private use, which `tidy` leaves in no text
_SCHEME = re.compile(r"(?i)\b(https?|ftp|mailto|javascript|data|file):(?=\S)")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def markdown(text: str) -> str:
    """Return *text* for a paragraph or cell of Markdown; nothing in it is markup.

    Right-to-left text is isolated, so that it does not reorder its neighbours.
    """
    text = shorten_words(tidy(text))
    escaped = _MARKS.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
    escaped = escaped.replace(">", "&gt;").replace("www.", "www\\.")
    escaped = _SCHEME.sub(r"\1\:", escaped)  # or a bare address becomes a link
    if is_right_to_left(text):
        return f"{_FIRST_STRONG_ISOLATE}{escaped}{_POP_ISOLATE}"
    return escaped


def markdown_code(text: str) -> str:
    """Return *text* as a code span; as plain text where a cell could not hold it.

    `UNBROKEN_BLANK` stands in it for a blank at which a line must not be broken.
    """
    text = shorten_words(tidy(text), LONGEST_NAME).strip()
    if not text or re.search(r"[|\\`]", text):
        return markdown(text)
    return f"`{_BLANK_IN_CODE.sub(UNBROKEN_BLANK, text)}`"


def markdown_line_start(line: str) -> str:
    """Return a wrapped line so that it does not begin a list, quote or heading."""
    found = _LINE_START.match(line)
    if found is None:
        return line
    at = found.end() - 1
    return f"{line[:at]}\\{line[at:]}"
