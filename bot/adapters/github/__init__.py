"""GitHub's API as the bot uses it; the only importer of githubkit."""

from bot.adapters.github.host import GitHubHost
from bot.adapters.github.turns import Turns
from bot.adapters.github.wire import AppCredentials, TokenCredentials

__all__ = ["AppCredentials", "GitHubHost", "TokenCredentials", "Turns"]
