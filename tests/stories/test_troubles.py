"""What goes wrong around the bot is told where it matters, and paid for once at most."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.simulators.images.faults import Fault, FaultKind
from tests.stories.conftest import Thread

# What befalls the image of each prompt, how often it is called for, and what is said of it.
TROUBLES = {
    "hangs": (Fault(FaultKind.HANG, hang_ms=50), 1, "No answer came in time."),
    "is cut": (Fault(FaultKind.CUT_BODY), 1, "The answer held no usable image."),
    "is half": (Fault(FaultKind.HALF_JSON), 1, "The answer held no usable image."),
    "leads away": (Fault(FaultKind.REDIRECT), 1, "The answer held no usable image."),
    "breaks": (Fault(FaultKind.SERVER_ERROR), 1, "The image service had a fault of its own."),
    "waits": (Fault(FaultKind.RATE_LIMIT, wait_ms=50), 2, ""),
    "may not": (Fault(FaultKind.RATE_LIMIT, wait_ms=50, times=9), 2, "The image service was too"),
}
BATCH = """/batch
```yaml
jobs: [{jobs}]
max_concurrent: 10
retry_policy: {{max_retries: 1, retry_delay_ms: 100}}
```"""


async def test_each_image_meets_another_fault_and_none_is_called_for_twice(thread: Thread) -> None:
    faults = [(prompt, fault) for prompt, (fault, *_) in TROUBLES.items()]
    thread.room.images.faults += [replace(fault, prompt=prompt) for prompt, fault in faults]
    jobs = ", ".join(f"{{prompt: {prompt}, quality: low}}" for prompt in (*TROUBLES, "goes well"))

    await thread.say(BATCH.format(jobs=jobs))

    called = Counter(str(call.sent["prompt"]) for call in thread.calls())
    assert called == {"goes well": 1} | {each: times for each, (_, times, _) in TROUBLES.items()}
    assert "⚠️ 2 of 8 images" in thread.answer()
    assert "5 images are in doubt" in thread.answer()
    for _, _, words in TROUBLES.values():
        assert words in thread.answer()


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_jumps_holds_nothing_up(thread: Thread, hours: int) -> None:
    images = thread.room.images
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        images.answering.clear()
        first = await thread.write("/batch --quality low\n\n- a red fox")
        await thread.until(lambda: images.calls)
        traveller.shift(timedelta(hours=hours))
        images.answering.set()
        second = await thread.say("/batch --quality low\n\n- a blue owl")

    assert [sorted(thread.reactions(each)) for each in (first, second)] == [["eyes", "rocket"]] * 2
    assert len(thread.calls()) == 2
