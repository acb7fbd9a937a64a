"""The JSON of each thing, as the real API and the real webhooks give it."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.simulators.github.links import ORGANIZATION_LINKS, REPOSITORY_LINKS, USER_LINKS
from bot.simulators.github.people import User
from bot.simulators.github.releases import Asset, Release
from bot.simulators.github.state import GitHubState
from bot.simulators.github.threads import EMOJI, Comment, Issue, Reaction

Json = dict[str, Any]

_COUNTS = ("size", "forks", "forks_count", "watchers", "watchers_count", "stargazers_count")
_FEATURES = ("has_issues", "has_projects", "has_downloads", "has_wiki")


class Shapes:
    """Writes things down for readers who reached this GitHub at `base`."""

    def __init__(self, state: GitHubState, base: str) -> None:
        self.state = state
        self.base = (state.base_url or base).rstrip("/")
        self.api = f"{self.base}/api/v3"
        self.repo_api = f"{self.api}/repos/{state.repository.full_name}"
        self.html = f"{self.base}/{state.repository.full_name}"

    def user(self, user: User) -> Json:
        url = f"{self.api}/users/{user.login}"
        return {
            "login": user.login,
            "id": user.id,
            "node_id": f"U_{user.id}",
            "avatar_url": f"{self.base}/avatars/{user.login}.svg",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.base}/{user.login}",
            **{name: url + path for name, path in USER_LINKS.items()},
            "type": user.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def repository(self) -> Json:
        repository = self.state.repository
        started = stamp(self.state.started_at)
        return {
            "id": repository.id,
            "node_id": f"R_{repository.id}",
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(self.state.people.owner),
            "html_url": self.html,
            "description": None,
            "fork": False,
            "url": self.repo_api,
            **{name: self.repo_api + path for name, path in REPOSITORY_LINKS.items()},
            "created_at": started,
            "updated_at": started,
            "pushed_at": started,
            "clone_url": f"{self.html}.git",
            "git_url": f"{self.html}.git",
            "ssh_url": f"{self.html}.git",
            "svn_url": self.html,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            **dict.fromkeys(_COUNTS, 0),
            **dict.fromkeys(_FEATURES, True),
            "has_pages": False,
            "archived": False,
            "disabled": False,
            "open_issues_count": len(self.state.threads.issues),
            "open_issues": len(self.state.threads.issues),
            "default_branch": repository.default_branch,
            "is_template": False,
            "topics": [],
            "web_commit_signoff_required": False,
            "custom_properties": {},
            "visibility": "private" if repository.private else "public",
        }

    def issue(self, issue: Issue) -> Json:
        url = f"{self.repo_api}/issues/{issue.number}"
        shape = {
            "url": url,
            "repository_url": self.repo_api,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": self.issue_page(issue.number),
            "id": issue.id,
            "node_id": f"I_{issue.id}",
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author),
            "labels": [],
            "state": "open",
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.created_at),
            "closed_at": None,
            "author_association": self._association(issue.author),
            "active_lock_reason": None,
            "body": issue.body,
            "reactions": self._rollup(f"{url}/reactions", []),
            "performed_via_github_app": None,
        }
        pull = {"pull_request": {"url": f"{self.repo_api}/pulls/{issue.number}"}}
        return shape | (pull if issue.pull_request else {})

    def comment(self, comment: Comment) -> Json:
        url = f"{self.repo_api}/issues/comments/{comment.id}"
        return {
            "url": url,
            "html_url": f"{self.issue_page(comment.issue)}#issuecomment-{comment.id}",
            "issue_url": f"{self.repo_api}/issues/{comment.issue}",
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "user": self.user(comment.author),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self._association(comment.author),
            "body": comment.body,
            "reactions": self._rollup(f"{url}/reactions", comment.reactions),
            "performed_via_github_app": self.app() if comment.by_app else None,
        }

    def reaction(self, reaction: Reaction) -> Json:
        return {
            "id": reaction.id,
            "node_id": f"REA_{reaction.id}",
            "user": self.user(reaction.user),
            "content": reaction.content,
            "created_at": stamp(reaction.created_at),
        }

    def release(self, release: Release) -> Json:
        url = f"{self.repo_api}/releases/{release.id}"
        uploads = f"{self.base}/api/uploads/repos/{self.state.repository.full_name}"
        return {
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{uploads}/releases/{release.id}/assets{{?name,label}}",
            "html_url": f"{self.html}/releases/tag/{release.address}",
            "id": release.id,
            "node_id": f"RE_{release.id}",
            "author": self.user(self.state.bot),
            "tag_name": release.tag,
            "target_commitish": self.state.repository.default_branch,
            "name": release.name,
            "draft": release.draft,
            "immutable": release.immutable,
            "prerelease": release.prerelease,
            "created_at": stamp(release.created_at),
            "published_at": stamp(release.published_at) if release.published_at else None,
            "assets": [self.asset(release, asset) for asset in release.assets.values()],
            "tarball_url": None,
            "zipball_url": None,
            "body": release.body,
        }

    def asset(self, release: Release, asset: Asset) -> Json:
        return {
            "url": f"{self.repo_api}/releases/assets/{asset.id}",
            "id": asset.id,
            "node_id": f"RA_{asset.id}",
            "name": asset.name,
            "label": asset.label,
            "uploader": self.user(self.state.bot),
            "content_type": asset.content_type,
            "state": asset.state,
            "size": len(asset.data),
            "digest": asset.digest,
            "download_count": asset.downloads,
            "created_at": stamp(asset.created_at),
            "updated_at": stamp(asset.created_at),
            "browser_download_url": self.download_page(release, asset),
        }

    def app(self) -> Json:
        app = self.state.app
        return {
            "id": app.id,
            "client_id": app.client_id,
            "slug": app.slug,
            "node_id": f"A_{app.id}",
            "owner": self.user(self.state.people.owner),
            "name": app.slug,
            "description": "",
            "external_url": self.base,
            "html_url": f"{self.base}/apps/{app.slug}",
            "created_at": stamp(self.state.started_at),
            "updated_at": stamp(self.state.started_at),
            "permissions": dict(app.permissions),
            "events": list(app.events),
        }

    def installation(self) -> Json:
        app, owner = self.state.app, self.state.people.owner
        number = app.installation_id
        return {
            "id": number,
            "account": self.user(owner),
            "repository_selection": "selected",
            "access_tokens_url": f"{self.api}/app/installations/{number}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.base}/settings/installations/{number}",
            "app_id": app.id,
            "app_slug": app.slug,
            "target_id": owner.id,
            "target_type": owner.type,
            "permissions": dict(app.permissions),
            "events": ["issue_comment"],
            "created_at": stamp(self.state.started_at),
            "updated_at": stamp(self.state.started_at),
            "single_file_name": None,
            "suspended_at": None,
            "suspended_by": None,
        }

    def comment_event(
        self, action: str, comment: Comment, sender: User, previous: str | None = None
    ) -> Json:
        """The payload of an `issue_comment` delivery."""
        owner, installation = self.state.people.owner, self.state.app.installation_id
        payload: Json = {
            "action": action,
            "issue": self.issue(self.state.threads.issue(comment.issue)),
            "comment": self.comment(comment),
            "repository": self.repository(),
            "sender": self.user(sender),
            "installation": {"id": installation, "node_id": f"MDIzOkludGVncmF0aW9u{installation}"},
        }
        if previous is not None:
            payload["changes"] = {"body": {"from": previous}}
        if owner.type == "Organization":
            payload["organization"] = self.organization(owner)
        return payload

    def organization(self, owner: User) -> Json:
        url = f"{self.api}/orgs/{owner.login}"
        return {
            "login": owner.login,
            "id": owner.id,
            "node_id": f"O_{owner.id}",
            "url": url,
            **{name: url + path for name, path in ORGANIZATION_LINKS.items()},
            "avatar_url": f"{self.base}/avatars/{owner.login}.svg",
            "description": "",
        }

    def issue_page(self, number: int) -> str:
        return f"{self.html}/issues/{number}"

    def download_page(self, release: Release, asset: Asset) -> str:
        return f"{self.html}/releases/download/{release.address}/{asset.name}"

    def _association(self, user: User) -> str:
        return user.association_with(self.state.repository.owner)

    def _rollup(self, url: str, reactions: list[Reaction]) -> Json:
        counted: Mapping[str, int] = Counter(reaction.content for reaction in reactions)
        counts = {content: counted.get(content, 0) for content in EMOJI}
        return {"url": url, "total_count": len(reactions), **counts}


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
