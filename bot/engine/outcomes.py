"""How the end of a call is recorded."""

from bot.core.errors import Charge, Failure, ProviderError
from bot.core.ports import Answer, Settlement
from bot.core.pricing import Money, PriceBook, cost
from bot.core.run import ItemView


def succeeded(
    view: ItemView, answer: Answer, amount: Money | None, prices: PriceBook
) -> Settlement:
    """An image, at the price of the usage that the server tells.

    One that tells none still bills: the most it can be, `amount`, is the honest figure.
    """
    usage = answer.usage
    price = cost(view.item.call.model, usage, prices) if usage else amount
    return Settlement(cost=price, usage=usage, request_id=answer.request_id)


def failed(error: ProviderError) -> Settlement:
    """No image, and what that may have cost."""
    return Settlement(
        failure=error.failure,
        in_doubt=error.charge is Charge.IN_DOUBT,
        message=error.message,
        retry_after=error.retry_after,
        request_id=error.request_id,
    )


def lost(message: str) -> Settlement:
    """Nobody knows whether there is an image, so it may be billed."""
    return Settlement(failure=Failure.LOST, in_doubt=True, message=message)
