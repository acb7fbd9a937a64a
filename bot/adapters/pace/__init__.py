"""How fast images may be asked for, in this process alone or together with others."""

from bot.adapters.pace.pace import ImagePace, local_pace

__all__ = ["ImagePace", "local_pace"]
