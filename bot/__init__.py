"""gptimage: batches of OpenAI images, none of them paid for twice."""
