"""The container and the examples that run it: they name what there is, and wait long enough."""

import inspect
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from typer.main import get_command

from bot.adapters.ledger.engine import connect as connect_ledger
from bot.adapters.openai_images.request import _SECONDS_OF_SLOW
from bot.adapters.queue import Worker, connect
from bot.entrypoints.cli import app
from bot.entrypoints.settings import Settings

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "examples" / "compose.yml"
KUBERNETES = sorted((ROOT / "examples" / "kubernetes").glob("*.yaml"))
ALL = [DOCKERFILE, ROOT / ".dockerignore", COMPOSE, ROOT / "examples" / "compose.env", *KUBERNETES]

SETTINGS = {name.upper() for name in Settings.model_fields}
PATIENCE: float = inspect.signature(Worker.close).parameters["patience"].default


def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return parsed


def ours() -> dict[str, dict[str, Any]]:
    """The services that run this image."""
    return {n: each for n, each in compose()["services"].items() if each["image"] == "gptimage"}


def objects(kind: str) -> list[dict[str, Any]]:
    found = [each for file in KUBERNETES for each in yaml.safe_load_all(file.read_text())]
    return [each for each in found if each["kind"] == kind]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for deployment in objects("Deployment"):
        yield deployment["metadata"]["name"], deployment["spec"]["template"]["spec"]


def instructions(name: str) -> list[str]:
    """The arguments of an instruction of the Dockerfile, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def check_command(words: list[str]) -> None:
    """Fail unless the command line takes these words."""
    group = get_command(app)
    with group.make_context("gptimage", list(words)) as context:
        name, command, rest = group.resolve_command(context, list(words))  # type: ignore[attr-defined]
        command.make_context(name, rest, parent=context).close()


def test_every_command_is_one_of_the_command_line() -> None:
    commands = [each["command"] for each in ours().values()]
    commands += [pod["containers"][0]["args"] for _, pod in pods()]

    assert len(commands) == 4
    for words in [*commands, yaml.safe_load(instructions("CMD")[-1])]:
        check_command(words)


def test_a_command_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(Exception, match="--no-such-option"):
        check_command(["serve", "--no-such-option"])


def test_every_name_of_the_environment_is_a_setting() -> None:
    for name, service in ours().items():
        assert set(service["environment"]) <= SETTINGS, name
    for kind, field in (("Secret", "stringData"), ("ConfigMap", "data")):
        (found,) = objects(kind)
        assert set(found[field]) <= SETTINGS, kind
    in_image = set(re.findall(r"(\w+)=", " ".join(instructions("ENV"))))
    assert in_image - {"PATH", "PYTHONUNBUFFERED"} <= SETTINGS


def test_what_a_server_cannot_do_without_is_named() -> None:
    needed = {"OPENAI_API_KEY", "GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET"}
    needed |= {"GPTIMAGE_ALLOWED_OWNERS", "REDIS_URL", "DATABASE_URL", "GPTIMAGE_PUBLIC_URL"}
    (secret,), (settings,) = objects("Secret"), objects("ConfigMap")

    assert needed <= {*secret["stringData"], *settings["data"]}
    assert all(needed <= set(service["environment"]) for service in ours().values())


def test_every_variable_that_compose_asks_for_is_in_the_example_of_them() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    given = set(
        re.findall(r"^(\w+)=", (ROOT / "examples" / "compose.env").read_text(), re.MULTILINE)
    )

    assert asked == given


def test_the_grace_period_outlasts_the_longest_call() -> None:
    assert PATIENCE > _SECONDS_OF_SLOW

    for service in ours().values():
        minutes = re.fullmatch(r"(\d+)m", service["stop_grace_period"])
        assert minutes
        assert int(minutes[1]) * 60 >= PATIENCE
    for name, pod in pods():
        assert pod["terminationGracePeriodSeconds"] >= PATIENCE, name


def test_the_addresses_are_those_that_a_server_accepts() -> None:
    environment = next(iter(ours().values()))["environment"]
    secret = objects("Secret")[0]["stringData"]
    for addresses in (environment, secret):
        filled = {name: re.sub(r"\$\{.*?\}", "password", str(v)) for name, v in addresses.items()}
        connect(filled["REDIS_URL"])  # refuses one without a password
        assert urlsplit(filled["DATABASE_URL"]).password
        connect_ledger(filled["DATABASE_URL"], timedelta(seconds=1))


def test_the_queue_asks_for_a_password_keeps_a_file_and_never_evicts() -> None:
    command = " ".join(compose()["services"]["valkey"]["command"])

    assert "--requirepass ${VALKEY_PASSWORD:?}" in command
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "ports" not in compose()["services"]["valkey"]


def test_two_workers_share_the_folder_with_the_web_part() -> None:
    services = ours()

    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["worker"]["volumes"] == services["web"]["volumes"]
    assert {volume.partition(":")[0] for volume in services["web"]["volumes"]} <= set(
        compose()["volumes"]
    )


def test_probes_ask_what_a_server_answers() -> None:
    for name, pod in pods():
        (container,) = pod["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz", name
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name
        claims = [each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"][:1]]
        assert claims == [each["metadata"]["name"] for each in objects("PersistentVolumeClaim")]
    assert "/healthz" in instructions("HEALTHCHECK")[0]


def test_the_image_is_locked_and_runs_as_nobody_in_particular() -> None:
    installs = [
        line for line in re.split(r"&&|\n", "\n".join(instructions("RUN"))) if "pip " in line
    ]

    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert instructions("USER") == ["10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert "ca-certificates" in " ".join(instructions("RUN"))
    assert "--uid 10001" in " ".join(instructions("RUN"))
    for _, pod in pods():
        assert pod["securityContext"]["runAsUser"] == 10001


def test_what_is_copied_is_there_and_let_in() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for arguments in instructions("COPY")
        if not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }

    assert copied == kept
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.name)
def test_images_are_named_without_a_host(file: Path) -> None:
    text = file.read_text()
    images = re.findall(r"^(?:FROM|\s*image:) (\S+)", text, re.MULTILINE)

    assert not [image for image in images if "." in image.partition("/")[0].partition(":")[0]]
    assert "index-url" not in text
