"""The App's identity, its JWT, and the installation tokens that it gets for one."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.simulators.github.refusals import ApiError, bad_credentials, invalid

LONGEST_JWT = timedelta(minutes=10)
TOKEN_LIFE = timedelta(hours=1)
_LEVELS = {"read": 1, "write": 2, "admin": 3}

PERMISSIONS: Mapping[str, str] = {
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}


@dataclass(frozen=True, slots=True)
class AppKey:
    """The App's key pair as PEM; `private` is empty when only the public half was handed over."""

    public: str
    private: str = ""

    @classmethod
    def generate(cls) -> "AppKey":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(
            key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode(),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ).decode(),
        )


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """What a GitHub App is registered as, with the permissions that its installation granted."""

    key: AppKey
    id: int = 4242
    slug: str = "gptimage"
    client_id: str = "Iv23liSimulatedClient"
    installation_id: int = 77_001
    permissions: dict[str, str] = field(default_factory=lambda: dict(PERMISSIONS))
    events: tuple[str, ...] = ("issue_comment",)

    @property
    def bot_login(self) -> str:
        return f"{self.slug}[bot]"


@dataclass(frozen=True, slots=True)
class Token:
    """An installation token, with all the permissions of the installation or with fewer."""

    value: str
    expires_at: datetime
    permissions: Mapping[str, str]

    def allows(self, names: tuple[str, ...], level: str) -> bool:
        """Whether any of the named permissions is granted at that level or above."""
        return any(_LEVELS.get(self.permissions.get(n, ""), 0) >= _LEVELS[level] for n in names)


class Tokens:
    """Issues installation tokens to whoever signs with the App's key, and knows them again."""

    def __init__(self, app: AppIdentity) -> None:
        self._app = app
        self._secret = secrets.token_bytes(32)
        self._issued: dict[str, Token] = {}

    def check_jwt(self, credentials: str, now: datetime) -> None:
        """Raise a 401 unless the App itself signed this, for at most ten minutes."""
        claims = self._decode(credentials)
        if str(claims.get("iss")) not in {str(self._app.id), self._app.client_id}:
            raise ApiError(401, "'Issuer' claim ('iss') must be an Integer")
        expires, issued = _moment(claims.get("exp")), _moment(claims.get("iat"))
        if expires is None or expires <= now:
            raise ApiError(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the "
                "future time at which the assertion expires",
            )
        if expires > now + LONGEST_JWT:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
        if issued is None or issued > now + timedelta(minutes=1):
            raise ApiError(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the "
                "assertion was issued",
            )

    def issue(self, wanted: Mapping[str, str], now: datetime) -> Token:
        """A token of the shape `ghs_<app id>_<jwt>`; 422 for more than the installation has."""
        granted = self._app.permissions
        for name, level in wanted.items():
            if _LEVELS.get(level, 9) > _LEVELS.get(granted.get(name, ""), 0):
                raise invalid("InstallationToken", "permissions", "invalid")
        permissions = dict(wanted or granted) | {"metadata": "read"}
        # Whole seconds, as the answer gives them.
        expires = (now + TOKEN_LIFE).replace(microsecond=0)
        claims = {"iss": str(self._app.id), "jti": secrets.token_hex(12)}
        signed = jwt.encode(claims | {"exp": expires}, self._secret, algorithm="HS256")
        token = Token(f"ghs_{self._app.id}_{signed}", expires, permissions)
        self._issued[token.value] = token
        return token

    def find(self, credentials: str, now: datetime) -> Token:
        token = self._issued.get(credentials)
        if token is None or token.expires_at <= now:
            raise bad_credentials()
        return token

    def revoke_all(self) -> None:
        """Every token stops working at once, as after a suspended installation."""
        self._issued.clear()

    def _decode(self, credentials: str) -> Mapping[str, object]:
        # The time claims are checked against the simulated clock, not against this machine's.
        try:
            claims: Mapping[str, object] = jwt.decode(
                credentials,
                self._app.key.public,
                algorithms=["RS256"],
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                    "verify_iss": False,
                },
            )
        except jwt.PyJWTError:
            raise ApiError(401, "A JSON web token could not be decoded") from None
        return claims


def _moment(claim: object) -> datetime | None:
    return datetime.fromtimestamp(claim, UTC) if isinstance(claim, int | float) else None
