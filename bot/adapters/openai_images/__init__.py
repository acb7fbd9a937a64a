"""Pictures from OpenAI's image API, or from a server that speaks it."""

from bot.adapters.openai_images.provider import OpenAIImages

__all__ = ["OpenAIImages"]
