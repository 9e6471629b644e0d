"""Wire the extension into Jupyter Server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp

from jupyter_green.server import handlers
from jupyter_green.server.kernels import list_kernels
from jupyter_green.server.state import GreenServer
from jupyter_green.server.stream import StreamHandler

API = r"/jupyter-green/api"
CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"
ROUTES = (
    ("host", handlers.HostHandler),
    ("power", handlers.PowerHandler),
    ("totals", handlers.TotalsHandler),
    ("budgets", handlers.BudgetsHandler),
    ("records", handlers.RecordsHandler),
    ("stream", StreamHandler),
    ("tag", handlers.TagHandler),
    ("location", handlers.LocationHandler),
    ("locations", handlers.LocationsHandler),
    ("report", handlers.ReportHandler),
    (r"report/(?P<job>[0-9a-f]{32})", handlers.JobHandler),
    ("idle", handlers.IdleHandler),
    ("doctor", handlers.DoctorHandler),
)


class GreenApp(ExtensionApp):
    """The server extension.  It does nothing until a client asks."""

    name = "jupyter_green"
    load_other_extensions = True

    def initialize_handlers(self) -> None:
        """Make what is behind the endpoints, and the endpoints."""
        server: Any = self.serverapp
        contents = server.contents_manager
        root = getattr(contents, "root_dir", "") or server.root_dir
        self.green = GreenServer(
            Path(root),
            renames=Path(jupyter_data_dir()) / "jupyter_green" / "renames.jsonl",
            kernels=lambda: list_kernels(server.kernel_manager, server.session_manager),
        )
        about = {"green": self.green}
        self.handlers.extend((rf"{API}/{path}", kind, about) for path, kind in ROUTES)
        server.event_logger.add_listener(
            schema_id=CONTENTS_EVENTS, listener=self._on_contents
        )

    async def stop_extension(self) -> None:
        """End with the server."""
        await self.green.close()

    async def _on_contents(self, logger: Any, schema_id: str, data: Any) -> None:
        """Note renames; the rest of what happens to files is none of ours."""
        del logger, schema_id
        if data.get("action") == "rename":
            self.green.renamed(data.get("source_path", ""), data.get("path", ""))
