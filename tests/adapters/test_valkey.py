"""The embedded queue server: it starts anywhere, keeps its data, and never stays behind."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.adapters.valkey import _binary, embedded_valkey
from bot.core.errors import SettingsError

# What another process of the product does: start the server, say where it is, go on.
SERVE = """
import asyncio, sys
from pathlib import Path
from bot.adapters.valkey import embedded_valkey

async def main():
    async with embedded_valkey(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(url)
    try:
        yield redis
    finally:
        await redis.aclose()


async def server_pid(url: str) -> int:
    async with client(url) as redis:
        return int((await redis.info("server"))["process_id"])


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@asynccontextmanager
async def another_process(data: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(data), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_answers_and_is_gone_after_the_block(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url:
        assert url == f"unix://{tmp_path}/valkey/valkey.sock"
        pid = await server_pid(url)
        assert is_alive(pid)
    assert not is_alive(pid)


async def test_what_it_was_told_is_still_there_after_a_restart(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url, client(url) as redis:
        await redis.set("fox", "red")
    async with embedded_valkey(tmp_path) as url, client(url) as redis:
        assert await redis.get("fox") == b"red"


async def test_it_keeps_every_id_and_forgets_none(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url, client(url) as redis:
        settings = await redis.config_get()
    assert (
        settings.items()
        >= {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "port": "0",
        }.items()
    )


async def test_nobody_else_on_the_machine_can_reach_it(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path):
        home = tmp_path / "valkey"
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert modes["valkey.sock"] == 0o600
    assert modes["lock"] == 0o600
    assert not any(mode & 0o077 for mode in modes.values()), modes


async def test_a_second_server_on_the_same_directory_is_refused_with_the_way_out(
    tmp_path: Path,
) -> None:
    async with embedded_valkey(tmp_path) as url:
        with pytest.raises(SettingsError) as caught:
            async with embedded_valkey(tmp_path):
                pass
        message = str(caught.value)
        assert str(tmp_path / "valkey") in message
        assert "GPTIMAGE_DATA_DIR" in message
        assert "REDIS_URL" in message
        async with client(url) as redis:
            assert await redis.ping()


async def test_two_directories_are_two_servers(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path / "a") as one, embedded_valkey(tmp_path / "b") as two:
        assert await server_pid(one) != await server_pid(two)


async def test_a_directory_with_a_long_or_an_odd_name_is_served_as_well(tmp_path: Path) -> None:
    for name in ("with a space, 100% 'quoted'", "猫", "deep" * 30):
        async with embedded_valkey(tmp_path / name) as url, client(url) as redis:
            assert await redis.ping()
            assert (tmp_path / name / "valkey" / "appendonlydir").is_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_kill_9_of_the_parent_leaves_no_orphan_and_loses_nothing(tmp_path: Path) -> None:
    async with another_process(tmp_path) as (process, url):
        pid = await server_pid(url)
        async with client(url) as redis:
            await redis.set("fox", "red")
        process.kill()
        await process.wait()
        # The lock is free only when the server is gone, so this start waits for that.
        async with embedded_valkey(tmp_path) as again, client(again) as redis:
            assert not is_alive(pid)
            assert await redis.get("fox") == b"red"


async def test_a_server_that_is_killed_is_started_again_with_what_it_held(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with embedded_valkey(tmp_path) as url:
        async with client(url) as redis:
            await redis.set("fox", "red")
            await redis.waitaof(1, 0, 0)  # it is on the disk
        for _ in range(2):
            pid = await server_pid(url)
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(30):
                while not await knows(url, "fox"):
                    await asyncio.sleep(0.05)
            assert await server_pid(url) != pid
    assert caplog.text.count("the embedded queue ended with -9, and is started again") == 2


async def knows(url: str, name: str) -> bool:
    with suppress(RedisError):
        async with client(url) as redis:
            return bool(await redis.exists(name))
    return False


async def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url:
        pid = await server_pid(url)
        assert os.getpgid(pid) != os.getpgid(0)


async def test_a_frozen_server_is_ended_all_the_same(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url:
        pid = await server_pid(url)
        os.kill(pid, signal.SIGSTOP)
    assert not is_alive(pid)


async def test_files_that_it_cannot_read_are_named_with_the_way_out(tmp_path: Path) -> None:
    async with embedded_valkey(tmp_path) as url, client(url) as redis:
        await redis.set("fox", "red")
    for path in (tmp_path / "valkey" / "appendonlydir").iterdir():
        path.write_bytes(b"nonsense" * 100)
    with pytest.raises(SettingsError, match=r"valkey\.log .*REDIS_URL"):
        async with embedded_valkey(tmp_path):
            pass


def test_a_platform_without_a_server_is_told_to_set_redis_url() -> None:
    with pytest.raises(SettingsError) as caught:
        _binary("plan9-vax")
    (line,) = caught.value.problems
    assert line.startswith("REDIS_URL:")
    assert "plan9-vax" in line


async def test_a_parent_that_died_before_the_tie_was_made_starts_nothing() -> None:
    leash = Path(__file__).parents[2] / "bot" / "adapters" / "leash.py"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(leash), "1", "/bin/echo", "started"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert (out, errors) == (b"", b"the parent is gone\n")
