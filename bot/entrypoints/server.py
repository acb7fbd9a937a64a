"""`gptimage serve` and `gptimage worker`: the processes that keep running."""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from functools import partial

from bot.adapters.github.manifest import NewApp
from bot.core.said import said
from bot.entrypoints import console, credentials, logs, loopback, memory
from bot.entrypoints.settings import Settings
from bot.entrypoints.web import create_web, create_windows
from bot.entrypoints.web.setup import Setup
from bot.entrypoints.wiring.common import Opening, arm, books, utc_now
from bot.entrypoints.wiring.server import Server, server_parts

_log = logging.getLogger(__name__)


def serve(settings: Settings, *, with_worker: bool, opening: Opening = books) -> None:
    """Serve the webhook, with the worker in the same process unless told otherwise."""
    logs.to_stderr(debug=settings.debug)
    memory.give_back()
    arm(settings.gptimage_kill_point)
    with asyncio.Runner() as runner:
        runner.run(_serve(settings, opening, with_worker=with_worker))


def work(settings: Settings, *, port: int | None) -> None:
    """Work on runs until told to stop; calls in flight are awaited.

    On a port it says how it is, to probes and to Prometheus.
    """
    logs.to_stderr(debug=settings.debug)
    memory.give_back()
    arm(settings.gptimage_kill_point)
    with asyncio.Runner() as runner:
        runner.run(_work(settings, port))


def set_up(settings: Settings) -> bool:
    """Let a person make the App in the browser; False if this was ended before that."""
    logs.to_stderr(debug=settings.debug)
    credentials.check(settings.gptimage_data_dir)
    with asyncio.Runner() as runner:
        return runner.run(_set_up(settings))


async def _set_up(settings: Settings) -> bool:
    sock = loopback.bind(settings.gptimage_host, settings.gptimage_port)
    stop = stop_signal()
    setup = Setup(
        api_url=settings.github_api_url,
        public_url=settings.gptimage_public_url,
        local_url=loopback.url_of(sock),
        keep=partial(_keep, settings),
        language=settings.gptimage_language,
    )
    async with loopback.served(setup.app(), sock):
        _tell(said("there is no GitHub App yet: to make one, open {url}", url=setup.address))
        ends = {asyncio.create_task(event.wait()) for event in (stop, setup.made)}
        _, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
    return setup.made.is_set()


def _keep(settings: Settings, new: NewApp) -> None:
    kept = credentials.Credentials(
        app_id=new.id,
        private_key=new.pem,
        webhook_secret=new.webhook_secret,
        owner=new.owner.login,
        html_url=new.html_url,
        api_url=settings.github_api_url,
    )
    path = credentials.save(settings.gptimage_data_dir, kept)
    _tell(said("the App's credentials are in {file}", file=path))


async def _serve(settings: Settings, opening: Opening, *, with_worker: bool) -> None:
    sock = loopback.bind(settings.gptimage_host, settings.gptimage_port)
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(server_parts(settings, opening))
        if with_worker:
            await stack.enter_async_context(server.working())
        url = await stack.enter_async_context(loopback.served(web(settings, server), sock))
        hook = f"{url}/webhook"
        await stack.enter_async_context(memory.tended())
        _tell(said("gptimage listens on {url} (webhook: {hook})", url=url, hook=hook))
        await stop.wait()
        _tell(said("stopping: calls in flight are awaited"))


async def _work(settings: Settings, port: int | None) -> None:
    sock = None if port is None else loopback.bind(settings.gptimage_host, port)
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(server_parts(settings))
        await stack.enter_async_context(server.working())
        if sock:
            windows = create_windows(server.checks, server.metrics)
            url = await stack.enter_async_context(loopback.served(windows, sock))
            _log.info("how this worker is: %s/readyz and %s/metrics", url, url)
        await stack.enter_async_context(memory.tended())
        _tell(said("gptimage worker is ready"))
        await stop.wait()
        _tell(said("stopping: calls in flight are awaited"))


def _tell(sentence: str) -> None:
    """A line of the log for whoever has started this."""
    _log.info(console.words(sentence))


def web(settings: Settings, server: Server) -> object:
    """The web part over the server's parts."""
    secrets = [
        secret
        for secret in (settings.github_webhook_secret, settings.github_webhook_secret_previous)
        if secret is not None
    ]
    return create_web(
        inbox=server.ledger.inbox,
        scheduler=server.scheduler,
        secrets=secrets,
        clock=utc_now,
        checks=server.checks,
        metrics=server.metrics,
    )


def stop_signal() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            sys.exit(130)
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked)
    return stop
