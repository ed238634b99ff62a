"""What the loops share: the request as one would write it, and what they say of each picture."""

from __future__ import annotations

import base64
import json
import sys


def request(jpeg: bytes) -> str:
    """The text of a request that shows one picture."""
    url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    parts = [
        {"type": "input_text", "text": "What is new on the screen?"},
        {"type": "input_image", "image_url": url},
    ]
    message = {"type": "message", "role": "user", "content": parts}
    response = {"output_modalities": ["text"], "conversation": "none", "input": [message]}
    return json.dumps({"type": "response.create", "response": response})


def is_end(message: str) -> bool:
    """Whether the answer is complete."""
    return bool(json.loads(message)["type"] == "response.done")


def looked(moment: float) -> None:
    """Say when the picture that is sent next was taken."""
    sys.stdout.write(f"{moment}\n")
    sys.stdout.flush()
