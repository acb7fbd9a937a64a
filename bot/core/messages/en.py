"""English."""

from bot.core.errors import Failure, Reason
from bot.core.messages.sentences import Asked, Estimated, Explanation, Final, Live, Messages
from bot.core.run import ItemState, RunState, Stop

_HELP = """\
### 🎨 Pictures from a comment

Copy this, change the words, and post it:

````markdown
/batch --size 1536x1024 --quality medium

- a red fox in fresh snow, watercolour
- the same fox asleep under a birch, watercolour
````

Or say everything yourself, in JSON:

````markdown
/batch
```json
{
  "jobs": [
    {
      "prompt": "a red fox in fresh snow, watercolour",
      "output_path": "fox.png",
      "size": "1536x1024",
      "quality": "high",
      "sample_count": 2
    }
  ]
}
```
````

| Comment | What happens |
|---|---|
| `/batch` | makes the pictures and answers here |
| `/batch path/in/repo.yaml` | the same with a file of the default branch: JSON or YAML |
| `/estimate` | says what they would cost, and makes none |
| `/batch run ID` | makes exactly what an estimate has priced, within a day |
| `/batch status` | says how the newest run here is doing, and what may still be spent |
| `/batch cancel` | starts nothing more of it |
| `/batch retry` | orders again what it could not make |
| `/batch help` | shows this |
"""

ENGLISH = Messages(
    live=Live(
        queued=("⏳ {n} image is waiting for its turn", "⏳ {n} images are waiting for their turn"),
        running=("🎨 Making {n} image", "🎨 Making {n} images"),
        publishing=("📦 Publishing {n} image", "📦 Publishing {n} images"),
        next="It is the next one",
        ahead=("{n} run is before it", "{n} runs are before it"),
        was_ahead=(
            "{n} run was before it when it came in",
            "{n} runs were before it when it came in",
        ),
        many_ahead="More than {n} runs were before it when it came in",
        progress="{done} of {total}",
        left="about {span} left",
        states={
            ItemState.SUCCEEDED: "{n} made",
            ItemState.FAILED: "{n} not made",
            ItemState.IN_DOUBT: "{n} in doubt",
            ItemState.STARTED: "{n} under way",
            ItemState.RESERVED: "{n} to come",
            ItemState.CANCELLED: "{n} cancelled",
        },
        cost="{paid} so far, at most {bound}",
        cost_before="About {expected}, at most {bound}",
        unpriced="No price is known for this model",
    ),
    final=Final(
        all_made=("✅ {n} image", "✅ {n} images"),
        some_made=("⚠️ {made} of {n} image", "⚠️ {made} of {n} images"),
        none_made="❌ No image was made",
        stops={
            Stop.CANCELLED: "Somebody cancelled this run. What was under way has been kept.",
            Stop.TIMEOUT: "The batch used up its `timeout`, so nothing more was started.",
            Stop.INTERRUPTED: "The run was interrupted. What was under way has been kept.",
            Stop.REFUSED: "The image service would have refused every further call, so I stopped.",
            Stop.BUDGET: "The next image could have cost more than the cap, so I made no more.",
            Stop.FAULT: "I could not keep any more images safely, so I paid for no more.",
            Stop.PERMISSION: (
                "When its turn came, whoever had ordered it was not allowed to spend here any more."
                " Nothing was started or billed for this order."
            ),
            Stop.UNCHECKED: (
                "GitHub could not say whether whoever ordered it may still spend here, so nothing"
                " was started or billed for this order. Try again in a new comment."
            ),
            Stop.RULES: (
                "When its turn came, the repository's settings had faults, so nobody knew what they"
                " allow. Nothing was started or billed for this order."
            ),
        },
        failures={
            Failure.RATE_LIMIT: Explanation(
                "The image service was too busy.", "The same batch may pass a little later."
            ),
            Failure.TIMEOUT: Explanation("No answer came in time."),
            Failure.SERVER_ERROR: Explanation("The image service had a fault of its own."),
            Failure.CONNECTION: Explanation(
                "The image service could not be reached.", "Nothing was sent or billed."
            ),
            Failure.MODERATION: Explanation(
                "The safety system refused the prompt.",
                "Living artists, celebrities, known characters, logos and revealing clothing are"
                " the usual causes. Words for a style, artists long dead and general descriptions"
                " usually pass.",
            ),
            Failure.INVALID: Explanation("The image service did not accept the request."),
            Failure.AUTHENTICATION: Explanation(
                "The image service did not accept the key.",
                "The operator has to check the key, and that the organisation is verified.",
            ),
            Failure.NO_MONEY: Explanation(
                "The image account has no credit left.", "The operator has to add some."
            ),
            Failure.NO_MODEL: Explanation(
                "The image service does not know this model.",
                "It may have been shut down: leave `model` out to use the current one.",
            ),
            Failure.BAD_ANSWER: Explanation("The answer held no usable image."),
            Failure.STORAGE: Explanation(
                "My machine had no room for the image, so I did not ask for it.",
                "The operator can free disk space.",
            ),
            Failure.LOST: Explanation(
                "The worker ended during the call, or could not keep the answer or its picture."
            ),
        },
        unknown_failure=Explanation("The reason is not known."),
        not_made=("{n} image was not made", "{n} images were not made"),
        in_doubt=(
            "{n} image is in doubt, {amount} at most: it may be billed, so I do not ask again.",
            "{n} images are in doubt, {amount} at most: they may be billed, so I do not ask again.",
        ),
        cancelled=("{n} image was not started.", "{n} images were not started."),
        amounts=("Estimated", "Paid", "In doubt", "Reserved at most"),
        columns=("Files", "Prompt", "Size", "Quality", "Cost", "Time"),
        table=("The job in a table", "All {n} jobs in a table"),
        part="Jobs {first} to {last}",
        more_images=("{n} more image", "{n} more images"),
        more_overviews=("{n} more overview", "{n} more overviews"),
        doubt="{number}: {file} ({amount})",
        elided="…and {n} more, which are all in `report.json`.",
        again="What was not made can be ordered again: `{command}`",
        refused_again="What was refused would be refused again: change it as said above, and order"
        " only those images in a new `/batch`.",
        doubt_again="To order also what is in doubt, and perhaps pay twice: `{command}`",
        files="All files",
        seconds="{n} s",
        minutes="{n} min",
    ),
    estimated=Estimated(
        title=("🧮 {n} image would cost", "🧮 {n} images would cost"),
        columns=("Job", "Images", "Lowest", "Expected", "Highest"),
        total="Total",
        time="About {minutes} min at the present rate. Nothing has been made or billed.",
        unpriced="For some of them no price is known, so there is no total.",
        run="To make exactly these, comment within a day:",
    ),
    asked=Asked(
        states={
            RunState.QUEUED: "⏳ Run `{run}` is waiting for its turn",
            RunState.RUNNING: "🎨 Run `{run}` is at work",
            RunState.PUBLISHING: "📦 Run `{run}` is being published",
            RunState.DONE: "🏁 Run `{run}` is over",
        },
        stopping="It was asked to stop: nothing more is started, and what is under way is kept.",
        link="Go to run {run}",
        no_run="There is no run in this thread yet",
        budgets=("Cap", "Left", "Limit"),
        undone="🔎 Nothing was changed",
    ),
    footer="Run `{run}` for {author}",
    warnings=("{n} thing to know", "{n} things to know"),
    rules_problems=(
        "🔎 One thing to mend in the repository's settings",
        "🔎 {n} things to mend in the repository's settings",
    ),
    problems=("🔎 One thing to mend in the batch", "🔎 {n} things to mend in the batch"),
    more=("…and {n} more.", "…and {n} more."),
    mend_file="Mend {file} on the default branch, and comment again: nothing has been billed.",
    mend_batch="Mend it, and run the workflow again: nothing has been billed.",
    mend="Edit your comment: I read it again, and nothing has been billed.",
    command="🔎 I could not read that",
    refused={
        Reason.PERMISSION: "🔒 Not allowed",
        Reason.UNREACHABLE: "🔒 Your rights could not be checked",
        Reason.OWNER: "🔒 Not served here",
        Reason.QUIET: "🔇 Quiet for an hour",
        Reason.BUDGET: "💰 Above the spending cap",
        Reason.PRICE: "💰 The price is not known",
    },
    unknown="unknown",
    help=_HELP,
)
