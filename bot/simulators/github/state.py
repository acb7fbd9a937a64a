"""Everything that a simulated GitHub knows: one repository, its people, and what came to pass."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from bot.simulators.github.attachments import Attachments
from bot.simulators.github.auth import AppIdentity, AppKey, Tokens
from bot.simulators.github.faults import Faults
from bot.simulators.github.git import Git
from bot.simulators.github.people import DEFAULT_PEOPLE, People, User
from bot.simulators.github.releases import Releases
from bot.simulators.github.switches import switches_of
from bot.simulators.github.threads import Threads
from bot.simulators.github.webhooks import Webhook, Webhooks

WELCOME = """\
Ask for images in a comment that begins with `/batch`. An example to copy:

````
/batch
```json
{
  "jobs": [
    {"prompt": "A red fox asleep under a birch, watercolour", "size": "1024x1024"},
    {"prompt": "A lighthouse at dusk, flat poster colours", "size": "1536x1024"}
  ]
}
```
````

**Use the example** below puts it into the form. **Comment as** says who you are: the bot serves
people with write access.
"""


@cache
def _own_key() -> AppKey:
    """One for each process: nobody has to keep it secret, and making it takes longest of all."""
    return AppKey.generate()


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Call:
    """One request to the API, as a judge counts them."""

    method: str
    path: str
    at: datetime
    status: int | None = None  # None as long as there was no answer
    fault: str = ""

    @property
    def is_write(self) -> bool:
        return self.method not in {"GET", "HEAD"} and self.path != "/graphql"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"at": self.at.isoformat()}


@dataclass(slots=True)
class RateLimit:
    """The hourly limit of an installation token."""

    limit: int = 5_000
    used: int = 0
    reset: int = 0
    resource: str = "core"

    def count(self, now: datetime) -> None:
        if now.timestamp() >= self.reset:
            self.used, self.reset = 0, int(now.timestamp()) + 3600
        self.used += 1

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used)),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-resource": self.resource,
        }


@dataclass(slots=True)
class WorkflowRun:
    """A run of a workflow: `queued`, `in_progress` or `completed`."""

    id: int
    attempt: int = 1
    status: str = "in_progress"


@dataclass(frozen=True, slots=True)
class Repository:
    owner: str
    name: str
    id: int = 186_853
    private: bool = False
    default_branch: str = "main"
    files: dict[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)  # symbolic ones, and their targets
    submodules: Sequence[str] = ()

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


class GitHubState:
    """A GitHub of one repository, one App and one installation, with an open issue number 1.

    `base_url` is where it is served, without a slash at the end; without it every answer uses
    the address that the request came to. Without a `public_key` the App gets a key pair of its
    own, whose private half is `private_key`.
    """

    def __init__(
        self,
        *,
        owner: str = "acme",
        repo: str = "posters",
        owner_type: str = "Organization",
        users: Sequence[User] = DEFAULT_PEOPLE,
        app_id: int = 4242,
        app_slug: str = "gptimage",
        installation_id: int = 77_001,
        public_key: str = "",
        webhook: Webhook | None = None,
        private: bool = False,
        empty: bool = False,
        immutable_releases: bool = False,
        files: Mapping[str, bytes] | None = None,
        links: Mapping[str, str] | None = None,
        submodules: Sequence[str] = (),
        title: str = "Pictures for the launch",
        body: str = WELCOME,
        base_url: str = "",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.now = now
        self.base_url = base_url
        self.repository = Repository(
            owner,
            repo,
            private=private,
            files=dict(files or {}),
            links=links or {},
            submodules=submodules,
        )
        key = AppKey(public_key) if public_key else _own_key()
        self.app = AppIdentity(key, app_id, app_slug, installation_id=installation_id)
        self.people = People(tuple(users), owner=owner, owner_type=owner_type)
        self.bot = self.people.add(User(self.app.bot_login, type="Bot"))
        self.tokens = Tokens(self.app)
        self.ids = count(1_000_001)
        self.threads = Threads(self.ids)
        self.releases = Releases(self.ids, empty_repository=empty, immutable=immutable_releases)
        self.attachments = Attachments()
        self.git = Git(empty=empty)
        self.git.found(self.repository.default_branch, self.repository.files)
        self.webhooks = Webhooks(webhook, self.ids, now)
        self.faults = Faults()
        self.switches = switches_of(self.faults)
        self.rate_limit = RateLimit()
        self.graphql_limit = RateLimit(resource="graphql")
        self.graphql_refuses = False  # to say anything of releases
        self.calls: list[Call] = []
        self.workflow_runs: dict[int, WorkflowRun] = {}
        self.shared_files: dict[str, bytes] | None = None  # of `.github`, if the App sees it
        self.started_at = now()
        self.threads.open_issue(title, body, self._host(), self.started_at)

    def change_visibility(self) -> None:
        """Make the public repository private, or the private one public."""
        self.repository = replace(self.repository, private=not self.repository.private)

    @property
    def private_key(self) -> str:
        """The App's private key as PEM, if it was made here."""
        return self.app.key.private

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.is_write]

    def arrive(self, method: str, path: str) -> Call:
        call = Call(method, path, self.now())
        self.calls.append(call)
        return call

    def as_json(self) -> dict[str, Any]:
        """All that a judge in another process needs."""
        return {
            "repository": self.repository.full_name,
            "issues": {
                str(number): [comment.as_json() for comment in issue.comments.values()]
                for number, issue in self.threads.issues.items()
            },
            "deleted_comments": [comment.as_json() for comment in self.threads.deleted],
            "releases": [release.as_json() for release in self.releases.entries.values()],
            "tags": self.releases.tags,
            "refs": self.git.refs,
            "calls": Counter(call.method for call in self.calls),
            "writes": [call.as_json() for call in self.writes],
            "deliveries": [each.summary() for each in self.webhooks.deliveries],
            "faults": [asdict(fault) for fault in self.faults.lines],
        }

    def _host(self) -> User:
        """Whoever opened the issue: the person with the most rights."""
        persons = self.people.persons()
        return next((user for user in persons if user.role == "admin"), self.people.owner)
