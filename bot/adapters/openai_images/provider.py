"""An OpenAI-compatible image server, and the spool that keeps its answers."""

import asyncio
import errno
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.adapters.openai_images.answer import (
    Address,
    NotFetched,
    Received,
    open_text,
    read_answer,
    read_request_id,
)
from bot.adapters.openai_images.arrivals import Arrivals
from bot.adapters.openai_images.picture import decode, look
from bot.adapters.openai_images.request import Request, room, seconds
from bot.adapters.openai_images.skeleton import Span
from bot.core.catalog import DEFAULT_MODEL
from bot.core.errors import Charge, Failure, ProviderError, SettingsError, because
from bot.core.plan import ImageCall
from bot.core.ports import Answer, Clock, Spool, SpoolWriter
from bot.core.said import said

if TYPE_CHECKING:
    from bot.adapters.openai_images.client import Client

# Gateways whose guide says that every issued call is charged.
_CHARGING = ("aihubmix.com",)
# What a call has shown of the key is news for so long.
_SEEN = timedelta(minutes=10)

# Pictures of a comment lie in the spool under the name of what they hold, on any machine.
_INPUT = re.compile(r"inputs/[0-9a-f]{64}\Z")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class OpenAIImages:
    """Issues paid calls, each once, and keeps every answer before it is read.

    `charges="issued"` is for servers that bill refused calls, too; those known to do so are
    recognised by their address. `call_timeout`, in seconds, replaces the limit of each call.
    A kept answer waits for `patience` seconds at most until no other one comes in to be read.
    """

    def __init__(
        self,
        api_key: SecretStr,
        *,
        base_url: str,
        spool: Spool,
        organization: str | None = None,
        charges: Literal["answered", "issued"] = "answered",
        call_timeout: float | None = None,
        patience: float = 5.0,
        clock: Clock = _utc_now,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._organization = organization
        self._spool = spool
        self._issued = charges == "issued" or _charges_issued_calls(base_url)
        self._call_timeout = call_timeout
        self._patience = patience
        self._clock = clock
        self._client: Client | None = None
        self._refused: tuple[datetime, ProviderError] | None = None
        # Decoding keeps the interpreter busy: one after the other, the first is ready sooner
        # and the last no later.
        self._decoding = asyncio.Lock()
        self._arrivals = Arrivals()

    async def open(self) -> None:
        """Get ready, so that the first call need not wait for imports; it works without."""
        client = await self._connected()
        await client.prepare()

    async def aclose(self) -> None:
        """Let go of the network; a later call opens it again."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def check(self) -> None:
        """Raise SettingsError while the key is not good, as far as the latest call has shown.

        That counts for ten minutes: where nothing is called any more, nobody would see it mended.
        """
        if not self._api_key.get_secret_value():
            raise SettingsError([said("OPENAI_API_KEY is required")])
        if self._refused and self._clock() < self._refused[0] + _SEEN:
            at, error = self._refused
            why = said("{why} (at {time} UTC)", why=error.message, time=f"{at:%H:%M}")
            raise SettingsError([why])

    async def create(
        self, call: ImageCall, key: str, kept: Callable[[], None] = lambda: None
    ) -> Answer:
        """Issue one call, once, and keep its answer in the spool under `key`.

        `kept` is called when the answer is durable there, before it is read.
        Raises ProviderError, which says what the call may have cost, and OSError when the spool
        cannot keep the answer. The spool is opened before anything is sent.
        """
        client = await self._connected()
        limit = self._call_timeout or seconds(call)
        async with AsyncExitStack() as stack:
            try:
                writer = await stack.enter_async_context(
                    self._spool.receive(_answer(key), room(call))
                )
                call = await self._with_its_pictures(call)
            except OSError as error:
                raise _not_sent(error) from None
            try:
                await client.post(Request.of(call), limit, writer)
            except ProviderError as error:
                if error.failure is Failure.AUTHENTICATION:
                    self._refused = self._clock(), error
                raise self._advised(error, call) from None
        self._refused = None
        kept()
        return await self._read(key, asyncio.get_running_loop().time() + self._patience)

    async def _with_its_pictures(self, call: ImageCall) -> ImageCall:
        """The call with this machine's copies of pictures that another one has kept."""
        references = [await self._here(path) for path in call.references]
        mask = call.mask and await self._here(call.mask)
        return replace(call, references=tuple(references), mask=mask)

    async def _here(self, path: str) -> str:
        key = _INPUT.search(path)
        if not key or await asyncio.to_thread(Path(path).is_file):
            return path
        return await self._spool.fetch(key[0]) or path  # whoever opens it says what is missing

    def _advised(self, error: ProviderError, call: ImageCall) -> ProviderError:
        """The error, with what helps where a gateway lacks the model that nobody has chosen."""
        default = call.model == DEFAULT_MODEL and not _is_openai(self._base_url)
        if error.failure is not Failure.NO_MODEL or not default:
            return error
        return ProviderError(
            error.failure,
            said("{sentence}; name one that it serves in GPTIMAGE_MODEL", sentence=error.message),
            charge=error.charge,
            request_id=error.request_id,
        )

    async def recall(self, key: str) -> Answer | None:
        """The answer that an earlier call left in the spool under `key`, if there is one.

        Raises ProviderError if it is there and holds no usable picture, or names one that cannot be
        had now: LOST, and to be recalled again.
        """
        return await self._read(key) if await self._spool.fetch(_answer(key)) else None

    async def _connected(self) -> "Client":
        """The way to the server; made at the first call, because its import is slow."""
        return self._client or self._connect(await asyncio.to_thread(_import_client))

    def _connect(self, client: "type[Client]") -> "Client":
        if self._client is None:  # nobody was quicker
            self._client = client(
                self._api_key,
                base_url=self._base_url,
                organization=self._organization,
                issued=self._issued,
                clock=self._clock,
                arrivals=self._arrivals,
            )
        return self._client

    async def _read(self, key: str, until: float = 0) -> Answer:
        """Read a kept answer; raises ProviderError if it is of no use, for it may be billed.

        Others that come in go first, `until` that time of the loop's clock.
        """
        await self._arrivals.over(until)
        path = await self._fetch(_answer(key))
        request_id, kept_at, received = await asyncio.to_thread(_open, path)
        if received is None:
            raise _useless(request_id)
        try:
            header = await asyncio.to_thread(look, await self._picture(key, path, received, until))
        except ValueError:
            raise _useless(request_id) from None
        except NotFetched:
            raise _not_fetched(request_id) from None
        return Answer(
            image=_image(key),
            media_type=header.media_type,
            bytes=header.bytes,
            width=header.width,
            height=header.height,
            usage=received.usage,
            size=received.size,
            quality=received.quality,
            request_id=request_id,
            kept_at=kept_at,
        )

    async def _picture(self, key: str, answer: Path, received: Received, until: float) -> Path:
        """The picture as a file; taken out of the answer if nobody has done so before."""
        if kept := await self._spool.fetch(_image(key)):
            return Path(kept)
        async with self._spool.receive(_image(key)) as writer:
            match received.picture:
                case Address(url):
                    client = await self._connected()
                    await client.fetch(url, writer)
                case Span() | str() as text:
                    async with self._decoding:
                        await self._decode(answer, text, writer, until)
                case never:
                    assert_never(never)
        return await self._fetch(_image(key))

    async def _decode(
        self, answer: Path, text: Span | str, writer: SpoolWriter, until: float
    ) -> None:
        file, span = open_text(answer, text)
        with file:
            pieces = decode(file, span)
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                await writer.write(piece)
                await self._arrivals.over(until)

    async def _fetch(self, key: str) -> Path:
        path = await self._spool.fetch(key)
        if path is None:
            raise FileNotFoundError(f"{key} has gone from the spool")
        return Path(path)


def _open(answer: Path) -> tuple[str | None, datetime, Received | None]:
    """Our line, when it came, and what the answer says; None if that is of no use."""
    request_id, kept_at = read_request_id(answer), answer.stat().st_mtime
    try:
        received = read_answer(answer)
    except ValueError:
        received = None
    return request_id, datetime.fromtimestamp(kept_at, UTC), received


def _import_client() -> "type[Client]":
    from bot.adapters.openai_images.client import Client  # noqa: PLC0415  (0.5 s and 50 MB)

    return Client


def _useless(request_id: str | None) -> ProviderError:
    message = said("the answer holds no usable image; it may be billed all the same")
    return _without_picture(Failure.BAD_ANSWER, message, request_id)


def _not_fetched(request_id: str | None) -> ProviderError:
    message = said("the server's picture could not be fetched; it may be billed all the same")
    return _without_picture(Failure.LOST, message, request_id)


def _without_picture(failure: Failure, message: str, request_id: str | None) -> ProviderError:
    return ProviderError(failure, message, charge=Charge.IN_DOUBT, request_id=request_id)


def _not_sent(error: OSError) -> ProviderError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return ProviderError(
        Failure.STORAGE,
        said("there is no room for the answer, so nothing was sent")
        if full
        else said("the answer could not be kept ({why}), so nothing was sent", why=because(error)),
        charge=Charge.NOT_CHARGED,
    )


def _is_openai(base_url: str) -> bool:
    return urlsplit(base_url).hostname == "api.openai.com"


def _charges_issued_calls(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return any(host == name or host.endswith(f".{name}") for name in _CHARGING)


def _answer(key: str) -> str:
    return f"{key}.answer"


def _image(key: str) -> str:
    return f"{key}.image"
