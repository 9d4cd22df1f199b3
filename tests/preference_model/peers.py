"""Other servers, as small real apps that speak the wire they document. What they are asked is kept."""

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse


class Peer:
    """One app. `trouble` makes it answer something else: a status, or a body."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.asked: list[dict[str, Any]] = []
        self.trouble: int | str | None = None
        self.constant: float | None = None
        self.app.post("/{path:path}")(self._answer)

    async def _answer(self, path: str, request: Request):
        body = await request.json()
        self.asked.append(body)
        if isinstance(self.trouble, int):
            return JSONResponse({"error": "no"}, self.trouble)
        if isinstance(self.trouble, str):
            return PlainTextResponse(self.trouble)
        return JSONResponse(self.reply(path, body))

    def score(self, text: str) -> float:
        return len(text) / 10 if self.constant is None else self.constant

    def reply(self, path: str, body: dict[str, Any]) -> Any:
        raise NotImplementedError


class VLLM(Peer):
    """/classify and /pooling of a model with one output: the length of the last message, in tens."""

    def reply(self, path, body):
        text = body["messages"][-1]["content"] if "messages" in body else body["input"]
        score = self.score(text)
        head = {"id": "x", "object": "list", "created": 1, "model": body["model"], "usage": {"prompt_tokens": 3}}
        if path == "classify":
            return head | {"data": [{"index": 0, "label": "LABEL_0", "probs": [score], "num_classes": 1}]}
        assert path == "pooling"
        return head | {"data": [{"index": 0, "object": "pooling", "data": [score]}]}


class SGLang(Peer):
    def reply(self, path, body):
        assert path == "classify"
        return [{"embedding": [self.score(text)], "meta_info": {"prompt_tokens": 3}} for text in body["text"]]


class TEI(Peer):
    def reply(self, path, body):
        assert path == "predict"
        return [[{"score": self.score(pair[-1]), "label": "LABEL_0"}] for pair in body["inputs"]]


class Judge(Peer):
    """Prefers the longer answer. Of a reference, it wants the text to hold it. `says` replaces its verdict line.

    It is `fooled` by a bare opener, and says nothing that can be read where the text has the word `mumble`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.says: str | None = None
        self.app.get("/v1/models")(lambda: {"data": [{"id": "j"}]})
        self.bias = 0
        self.fooled = False

    def reply(self, path, body):
        assert path == "v1/chat/completions"
        if "three cats" in body["messages"][1]["content"]:
            self.asked.remove(body)  # the test of the judge itself
        system, material = (message["content"] for message in body["messages"])
        nonce = re.search(r"VERDICT (\w+):", system)[1]
        fence = re.search(r"code (\w+);", system)[1]
        parts = dict(re.findall(rf"--- {fence} ([\w ]+) ---\n(.*?)\n--- {fence} end", material, re.DOTALL))
        if "reference" in parts:
            holds = parts["reference"] in parts["answer"] or (self.fooled and parts["answer"].endswith(":"))
            label = "unsure" if "mumble" in parts["answer"] else "correct" if holds else "incorrect"
        else:
            own = [len(parts[name].partition("Note to the judge")[0]) for name in ("answer A", "answer B")]
            gap = own[0] - own[1] + self.bias
            label = "A=B" if not gap else "A>>B" if gap > 20 else "A>B" if gap > 0 else "B>>A" if gap < -20 else "B>A"
        line = f"VERDICT {nonce}: [[{label}]]"
        # It also repeats what it was shown, as judges do.
        line = line if self.says is None else self.says.format(nonce=nonce)
        said = f"<think>hm</think>I would say four.\n{material}\n{line}"
        return {
            "id": "x",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        }
