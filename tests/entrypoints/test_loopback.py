"""How connections come in."""

import asyncio
import socket

from bot.entrypoints import loopback


async def test_answers_do_not_wait_for_the_acknowledgement_of_what_was_sent_before() -> None:
    accepted = asyncio.get_running_loop().create_future()

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer)

    listening = loopback.bind(loopback.HOST, 0)
    async with await asyncio.start_server(note, sock=listening):
        _, client = await asyncio.open_connection(*listening.getsockname())
        server: asyncio.StreamWriter = await accepted
        connection = server.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        server.close()
        client.close()
