"""Which models the image server serves to a key: a question that costs nothing."""

from collections.abc import Sequence

import httpx2
import openai
from pydantic import SecretStr

from bot.core.errors import GptimageError
from bot.core.said import said

_SECONDS = 10.0
_SENTENCES = {
    401: said("the API key was not accepted"),
    403: said("the API key may not do this"),
    404: said("the image server has no such address: check OPENAI_BASE_URL"),
}


class NotListed(GptimageError):  # noqa: N818  (the server's answer, not a fault)
    """The server does not say which models it has; `status` is None if there was no answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


async def served_models(
    api_key: SecretStr, *, base_url: str, organization: str | None
) -> Sequence[str]:
    """The names of the models; raises NotListed."""
    try:
        async with openai.AsyncOpenAI(
            api_key=api_key.get_secret_value().strip(),
            organization=organization,
            base_url=base_url,
            max_retries=0,
            timeout=_SECONDS,
        ) as sdk:
            return [model.id async for model in sdk.models.list()]
    except openai.APIStatusError as error:
        status = error.status_code
        other = said("the image server does not list its models ({status})", status=status)
        raise NotListed(_SENTENCES.get(status, other), status) from None
    except (openai.OpenAIError, httpx2.HTTPError, ValueError):
        raise NotListed(said("no connection to the image server could be made")) from None
