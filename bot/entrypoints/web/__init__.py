"""The server that GitHub talks to, and that tells how the bot is."""

from bot.entrypoints.web.app import create_web, create_windows

__all__ = ["create_web", "create_windows"]
