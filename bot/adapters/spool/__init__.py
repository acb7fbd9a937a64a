"""Where answers are kept until they are published: on this disk, or in a store for several."""

from bot.adapters.spool.local import LocalSpool

__all__ = ["LocalSpool"]
