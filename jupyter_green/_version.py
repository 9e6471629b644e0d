"""The one version of the package, from labextension/package.json."""

__version__ = "0.1.0"
