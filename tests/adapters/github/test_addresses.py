"""Which addresses may hold a picture, and which machines are never asked for one."""

import ipaddress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.github.addresses import Home, is_public, split
from bot.adapters.github.attachments import addresses_in

PUBLIC = Home("https://github.com")
OWN = Home("https://git.corp.example:8443")
NAME = "0a1b2c3d-0000-4000-8000-00000000abcd"

ATTACHED = [
    (PUBLIC, f"https://github.com/user-attachments/assets/{NAME}"),
    (PUBLIC, f"https://github.com/acme/posters/assets/123/{NAME}"),
    (OWN, f"https://git.corp.example:8443/user-attachments/assets/{NAME}"),
    (OWN, f"https://git.corp.example:8443/storage/user/7/files/{NAME}"),
    (OWN, f"https://media.git.corp.example/user/7/files/{NAME}"),
]


@pytest.mark.parametrize(("home", "address"), ATTACHED)
def test_the_addresses_that_github_gives_are_known(home: Home, address: str) -> None:
    assert home.attachment(address) == NAME
    assert home.may_ask(address)


def test_those_of_former_years_are_known_too() -> None:
    address = f"https://user-images.githubusercontent.com/1296790/3-{NAME}.png"
    assert PUBLIC.attachment(address) == f"3-{NAME}.png"


@pytest.mark.parametrize(
    "address",
    [
        f"http://github.com/user-attachments/assets/{NAME}",
        f"https://github.com:444/user-attachments/assets/{NAME}",
        f"https://github.com.evil.example/user-attachments/assets/{NAME}",
        f"https://evilgithub.com/user-attachments/assets/{NAME}",
        f"https://github.com@127.0.0.1/user-attachments/assets/{NAME}",
        f"https://127.0.0.1/user-attachments/assets/{NAME}",
        f"https://2130706433/user-attachments/assets/{NAME}",
        f"https://0x7f.1/user-attachments/assets/{NAME}",
        f"https://[::1]/user-attachments/assets/{NAME}",
        f"https://[::ffff:127.0.0.1]/user-attachments/assets/{NAME}",
        f"https://github.com\\@127.0.0.1/user-attachments/assets/{NAME}",
        f"https://github.com/../user-attachments/assets/{NAME}",
        f"https://github.com/user-attachments/assets/../{NAME}",
        f"https://github.com/user-attachments/assets/{NAME}?next=http://127.0.0.1",
        f"https://github.com/user-attachments/assets/{NAME}#x",
        f" https://github.com/user-attachments/assets/{NAME}",
        f"https://github.com/user-attachments/assets/{NAME}\n",
        f"https://git.corp.example:8443/user-attachments/assets/{NAME}",
        f"https://ｇithub.com/user-attachments/assets/{NAME}",
        "https://github.com:x/",
        "https://[",
        "",
    ],
)
def test_whatever_only_looks_like_one_is_none(address: str) -> None:
    assert PUBLIC.attachment(address) is None


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://objects.githubusercontent.com/a?jwt=b", True),
        ("https://github-production-user-asset-6210df.s3.amazonaws.com/1/2?X-Amz-Date=3", True),
        ("https://github-production-user-asset-000000.s3.amazonaws.com/1/2", False),
        ("https://s3.amazonaws.com/bucket/x", False),
        ("https://githubusercontent.com.evil.example/x", False),
        ("https://evilgithubusercontent.com/x", False),
        ("http://objects.githubusercontent.com/x", False),
        ("https://objects.githubusercontent.com:22/x", False),
        ("https://127.0.0.1/x", False),
        ("https://localhost/x", False),
        ("https://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("gopher://github.com/x", False),
    ],
)
def test_a_redirect_may_lead_to_where_github_keeps_things(address: str, may: bool) -> None:
    assert PUBLIC.may_ask(address) is may


@given(st.text(max_size=80), st.sampled_from(["https://", "http://", ""]))
def test_no_text_makes_it_fail(text: str, scheme: str) -> None:
    address = scheme + text
    split(address)
    assert not PUBLIC.attachment(address)
    OWN.may_ask(address)


@given(st.text(alphabet=st.characters(exclude_characters="/"), max_size=40), st.uuids())
def test_no_other_host_is_ever_asked(host: str, name: UUID) -> None:
    address = f"https://{host}/user-attachments/assets/{name}"
    if PUBLIC.may_ask(address):
        seen = split(address)
        assert seen is not None
        known = ("github.com", ".github.com", ".githubusercontent.com", ".amazonaws.com")
        assert (seen.hostname or "").endswith(known)


@given(st.ip_addresses())
def test_a_public_address_is_never_a_private_one_in_disguise(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if isinstance(ip, ipaddress.IPv4Address):
        for disguise in (f"::ffff:{ip}", f"64:ff9b::{ip}"):
            assert not is_public(disguise) or is_public(str(ip))
    assert not is_public(str(ip)) or ip.is_global


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"),
        *("2002:a00:1::", "2130706433", "0x7f.1", "localhost", ""),
    ],
)
def test_addresses_from_within_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["140.82.121.3", "2606:50c0:8000::154"])
def test_the_worlds_are(ip: str) -> None:
    assert is_public(ip)


def test_code_and_html_comments_attach_nothing() -> None:
    text = """\
![a](https://x.example/1) and <img alt="b" src="https://x.example/2" />

<img width="4" src='https://x.example/3'>

[c](https://x.example/4) https://x.example/5 `https://x.example/no`

<!-- <img src="https://x.example/no"> -->

```json
{"reference_image_path": "https://x.example/no"}
```
"""
    assert list(addresses_in(text)) == [f"https://x.example/{n}" for n in range(1, 6)]
