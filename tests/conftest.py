"""For all tests: how long something takes tells of the machine, and nothing of the code."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

_END = "-----END CERTIFICATE-----\n"


@pytest.fixture(scope="session", autouse=True)
def _one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody speaks TLS here, and to load the world's roots takes a client longer than to ask."""
    file = tmp_path_factory.mktemp("certificates") / "one.pem"
    file.write_text("".join(Path(certifi.where()).read_text().partition(_END)[:2]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield
