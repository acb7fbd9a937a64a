"""Who is there, and what each of them may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"


_COLLAPSED = {Role.TRIAGE: Role.READ, Role.MAINTAIN: Role.WRITE}


@dataclass(frozen=True, slots=True)
class User:
    """An account; `custom_role` is an organisation's own name for a role that extends `role`."""

    login: str
    role: Role = Role.NONE
    custom_role: str = ""
    type: str = "User"
    id: int = 0
    association: str = ""  # what payloads claim; a private member arrives as NONE, with any role

    @property
    def known_as(self) -> str:
        """The role as a person reads it."""
        return "no role" if self.role is Role.NONE else self.custom_role or self.role

    def permission(self, *, private: bool) -> tuple[Role, str]:
        """`permission` and `role_name`; everybody reads a public repository."""
        role = Role.READ if self.role is Role.NONE and not private else self.role
        return _COLLAPSED.get(role, role), self.custom_role or role

    def association_with(self, owner: str) -> str:
        if self.association:
            return self.association
        if self.login == owner:
            return "OWNER"
        return "NONE" if self.role is Role.NONE or self.type != "User" else "COLLABORATOR"


DEFAULT_PEOPLE = (
    User("maya", Role.ADMIN),
    User("tomas", Role.WRITE),
    User("rin", Role.TRIAGE),
    User("ada", Role.READ),
    User("passer-by"),
)


class People:
    """All accounts by login, ids included; logins are compared as GitHub does, without case."""

    def __init__(self, users: tuple[User, ...], *, owner: str, owner_type: str) -> None:
        self._users: dict[str, User] = {}
        self.teams: dict[str, dict[str, str]] = {}  # by slug: each member's login, and its state
        for user in users:
            self.add(user)
        self.owner = self.find(owner) or self.add(
            User(owner, Role.ADMIN if owner_type == "User" else Role.NONE, type=owner_type)
        )

    def add(self, user: User) -> User:
        """Add or replace an account, and give it an id if it has none."""
        known = self.find(user.login)
        number = user.id or (known.id if known else 5_000_001 + len(self._users))
        entry = User(user.login, user.role, user.custom_role, user.type, number, user.association)
        self._users[user.login.lower()] = entry
        return entry

    def find(self, login: str) -> User | None:
        return self._users.get(login.lower())

    def persons(self) -> tuple[User, ...]:
        return tuple(user for user in self._users.values() if user.type == "User")
