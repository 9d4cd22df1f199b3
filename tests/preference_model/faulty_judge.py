"""A judge that is right about what it reads, behind a server that is not: faults by chance, as they are seen in the wild.

It knows the truth of toy texts: of two answers the one with the greater `value N` is better; an answer agrees with a
reference that it holds; a criterion `mentions "x"` is met where x stands in the answer, and `N legs` where N does.
"""

import json
import random
import re

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse

FAULTS = (
    "malformed",
    "truncated",
    "refusal",
    "missing item",
    "wrong id",
    "twice",
    "no quote",
    "wrong code",
    "not a verdict",
    "empty",
    "reasoning only",
    "html",
    429,
    500,
    503,
)


class FaultyJudge:
    """`rate`: the share of replies with a fault. `obeys`: it does what an answer tells it. `first`: it prefers the first."""

    def __init__(self, rate=0.0, faults=FAULTS, seed=0, obeys=False, first=False) -> None:
        self.rate, self.faults, self.obeys, self.first = rate, faults, obeys, first
        self.chance = random.Random(seed)
        self.replies: list[str] = []
        self.bodies: list[dict] = []
        self.paths: list[str] = []
        self.wrap = lambda text: {"role": "assistant", "content": text}
        self.on_reply = None
        self.app = FastAPI()
        self.app.get("/v1/models")(lambda: {"data": [{"id": "listed"}]})
        self.app.post("/{path:path}")(self.answer)

    @property
    def questions(self) -> int:
        """Replies to others than the test of the judge itself."""
        return sum("three cats" not in body["messages"][1]["content"] for body in self.bodies)

    async def answer(self, path: str, request: Request):
        body = await request.json()
        self.bodies.append(body)
        self.paths.append(path)
        fault = self.chance.choice(self.faults) if self.chance.random() < self.rate else ""
        if self.on_reply is not None and (special := self.on_reply(body)) is not None:
            fault = special
        self.replies.append(str(fault))
        if isinstance(fault, int):
            return JSONResponse({"error": "no"}, fault, {"retry-after": "0"} if fault == 429 else {})
        if fault == "html":
            return PlainTextResponse("<html>Bad gateway</html>")
        text = self.text(body, fault)
        message = (
            {"role": "assistant", "content": None, "reasoning_content": text} if fault == "reasoning only" else None
        )
        choice = {
            "index": 0,
            "message": message or self.wrap(text),
            "finish_reason": "length" if fault == "truncated" else "stop",
        }
        return JSONResponse({"id": "x", "choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 20}})

    def text(self, body, fault: str) -> str:
        system, shown = (message["content"] for message in body["messages"])
        fence = re.search(r"code (\w+);", system)[1]
        parts = dict(re.findall(rf"--- {fence} ([\w ]+) ---\n(.*?)\n--- {fence} end", shown, re.DOTALL))
        if fault == "refusal":
            return "I am sorry, I cannot help with that."
        if fault == "empty":
            return ""
        if "VERDICT" in system:
            text = self.label(system, parts, fault)
        elif "You write the criteria" in system:
            items = [{"text": 'The answer mentions "alpha".', "weight": 1, "kind": "must"}]
            text = self.json(system, "items", items, fault)
        elif "first reader" in system:
            text = self.json(system, "wrong", [], fault)
        else:
            text = self.json(system, "items", self.items(parts, fault), fault)
        return text[: len(text) // 2] if fault in ("truncated", "malformed") else text

    def own(self, text: str) -> str:
        return text if self.obeys else text.partition("Note to the judge")[0]

    def label(self, system: str, parts: dict, fault: str) -> str:
        nonce = re.search(r"VERDICT (\w+):", system)[1]
        nonce = "0" * 16 if fault == "wrong code" else nonce
        if "reference" in parts:
            is_right = parts["reference"] in self.own(parts["answer"])
            is_right |= self.obeys and "[[correct]]" in parts["answer"]
            label = "correct" if is_right else "incorrect"
        else:
            values = [self.value(parts[name]) for name in ("answer A", "answer B")]
            label = "A>>B" if self.first or values[0] > values[1] else "A=B" if values[0] == values[1] else "B>>A"
        if fault == "not a verdict":
            return f"VERDICT {nonce}: [[perhaps]]"
        line = f"VERDICT {nonce}: [[{label}]]"
        return f"{line}\nVERDICT {nonce}: [[A=B]] [[unsure]]".replace("A=B", "A>B") if fault == "twice" else line

    def value(self, text: str) -> float:
        if self.obeys and "Note to the judge" in text:
            return 1e9
        if match := re.search(r"value (\d+)", text):
            return float(match[1])
        return float("12 legs" in self.own(text))

    def items(self, parts: dict, fault: str) -> list:
        answer = self.own(parts["answer"])
        rows = []
        for line in parts["criteria"].splitlines():
            name, _, text = line.partition(": ")
            word = (re.search(r'mentions "(.+?)"', text) or re.search(r"(\d+) legs", text))[1]
            met = bool(re.search(rf"\b{re.escape(word)}\b", answer))
            met |= self.obeys and "Note to the judge" in parts["answer"]
            rows.append({"id": name, "met": met, "quote": (word if word in answer else answer[-12:]) if met else ""})
        if fault == "missing item":
            rows = rows[1:]
        elif fault == "wrong id":
            rows[0]["id"] = "r99"
        elif fault == "twice":
            rows.append(rows[0])
        elif fault == "no quote":
            rows[0] |= {"met": True, "quote": "words that nobody wrote"}
        elif fault == "not a verdict":
            rows[0]["met"] = "perhaps"
        return rows

    def json(self, system: str, field: str, rows: list, fault: str) -> str:
        nonce = re.search(r'"code": "(\w+)"', system)[1]
        return json.dumps({"code": "0" * 16 if fault == "wrong code" else nonce, field: rows})
