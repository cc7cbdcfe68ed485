"""Uvicorn around the site: in a thread beside the service, or alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
import uvicorn

from mailbot.web import app
from mailbot.work import World, stay

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Looks twice a second whether it is to end; uvicorn's own loop looks ten times, which costs 0.15 % of a core for ever."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.5)


def _server(world: World) -> uvicorn.Server:
    web = world.settings.web
    return _Server(uvicorn.Config(
        app(world), host=web.host, port=web.port, log_level="warning", access_log=False, server_header=False, date_header=False,
        proxy_headers=bool(web.proxy), forwarded_allow_ips=web.proxy or None, h11_max_incomplete_event_size=64 << 10,
        timeout_keep_alive=30, timeout_graceful_shutdown=5, limit_concurrency=200))  # fmt: skip


def serve(world: World) -> None:
    """Until SIGTERM or Ctrl-C."""
    server = _server(world)
    stay()
    server.run()


@contextmanager
def where_possible(world: World) -> Iterator[None]:
    """Pages beside the service; a port that is taken stops the pages only: the mail goes on, and the log says what to do."""
    if not world.settings.web.enabled:
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(beside(world))
        except OSError as error:
            log.error("no pages; mail goes on", error=str(error))
        yield


@contextmanager
def beside(world: World) -> Iterator[str]:
    """Serves from a thread until the block ends; yields the address for the browser. Raises OSError where the port is taken."""
    server = _server(world)
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    if not server.started:
        raise OSError(
            f"port {world.settings.web.port} on {world.settings.web.host} cannot be used; see [web] in the configuration"
        )
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{world.settings.web.host}:{port}/"
    finally:
        server.should_exit = True
        thread.join(10)
