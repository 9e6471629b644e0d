"""The bibliography: entries that the page may cite, and those that it does."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_green._version import __version__
from jupyter_green.report.document import Reference

ENTRIES = (
    Reference(
        key="jupyter-green",
        entry="misc",
        fields={
            "author": "{The jupyter_green developers}",
            "title": "jupyter_green: energy and CO2 of notebooks, measured per cell",
            "year": "2026",
            "note": f"Version {__version__}",
        },
    ),
    Reference(
        key="codecarbon",
        entry="misc",
        fields={
            "author": "{The CodeCarbon contributors}",
            "title": "CodeCarbon",
            "year": "2024",
            "howpublished": "Zenodo",
            "doi": "10.5281/zenodo.11171501",
        },
    ),
    Reference(
        key="fischer2025groundtruthing",
        entry="misc",
        fields={
            "author": "Fischer, Raphael",
            "title": "Ground-Truthing AI Energy Consumption: Validating CodeCarbon "
            "Against External Measurements",
            "year": "2025",
            "eprint": "2509.22092",
            "archiveprefix": "arXiv",
        },
    ),
    Reference(
        key="ghg-scope-two",
        entry="techreport",
        fields={
            "author": "{World Resources Institute}",
            "title": "GHG Protocol Scope 2 Guidance: An amendment to the GHG Protocol "
            "Corporate Standard",
            "institution": "World Resources Institute",
            "year": "2015",
            "url": "https://ghgprotocol.org/scope-2-guidance",
        },
    ),
    Reference(
        key="nvml",
        entry="misc",
        fields={
            "author": "{NVIDIA Corporation}",
            "title": "NVIDIA Management Library (NVML) API Reference",
            "howpublished": "Vendor's documentation",
            "url": "https://docs.nvidia.com/deploy/nvml-api/",
        },
    ),
    Reference(
        key="rapl",
        entry="manual",
        fields={
            "author": "{Intel Corporation}",
            "title": "Intel 64 and IA-32 Architectures Software Developer's Manual, "
            "volume 3: Running Average Power Limit (RAPL)",
            "organization": "Intel Corporation",
        },
    ),
    Reference(
        key="owid-intensity",
        entry="misc",
        fields={
            "author": "{Ember} and {Our World in Data}",
            "title": "Carbon intensity of electricity generation",
            "howpublished": "Data set, CC BY 4.0",
            "url": "https://ourworldindata.org/electricity-mix",
        },
    ),
    Reference(
        key="electricity-maps",
        entry="misc",
        fields={
            "author": "{Electricity Maps}",
            "title": "Electricity Maps: carbon intensity of electricity consumed",
            "howpublished": "Live data",
            "url": "https://www.electricitymaps.com/",
        },
    ),
    Reference(
        key="sci",
        entry="techreport",
        fields={
            "author": "{ISO/IEC JTC 1}",
            "title": "ISO/IEC 21031:2024, Information technology: Software Carbon "
            "Intensity (SCI) specification",
            "institution": "International Organization for Standardization",
            "year": "2024",
        },
    ),
    Reference(
        key="hershcovich-etal-2022-towards",
        entry="inproceedings",
        fields={
            "author": "Hershcovich, Daniel and Webersinke, Nicolas and Kraus, Mathias "
            "and Bingler, Julia and Leippold, Markus",
            "title": "Towards Climate Awareness in NLP Research",
            "booktitle": "Proceedings of the 2022 Conference on Empirical Methods in "
            "Natural Language Processing",
            "year": "2022",
            "pages": "2480--2494",
            "doi": "10.18653/v1/2022.emnlp-main.159",
        },
    ),
)


def cited(keys: Iterable[str]) -> tuple[Reference, ...]:
    """Return the entries that are cited, in the order of citing.

    Raises:
        KeyError: A key has no entry.
    """
    known = {entry.key: entry for entry in ENTRIES}
    return tuple(known[key] for key in dict.fromkeys(keys))
