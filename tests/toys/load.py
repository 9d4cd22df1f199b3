"""Load on a gateway while something happens to it: who was paid wrongly, who got nothing and why, and what hung."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import httpx

CLIENTS = 4


class Load:
    """Groups of a right and a wrong answer, sent by four clients at once until the end of the `with` block.

    texts: of an answer, the completions that are sent, each with the reward that it must get, if it gets one.
    """

    def __init__(
        self, url: str, domain: str, texts: Callable[[int], Sequence[tuple[str, float]]], timeout_s: float, **group
    ):
        self._url, self._path, self._texts, self._timeout_s, self._group = (
            url,
            f"/score/{domain}",
            texts,
            timeout_s,
            group,
        )
        self.seen = Counter()
        """Samples: `scored`, `null`, refused (`429`, `503`), `no connection`."""
        self.causes = Counter()
        self.faults = []
        """Wrong rewards, hangs and replies that no client should get."""
        self._first = random.randrange(10**9)  # of answers that no verdict is remembered for
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def pass_by(self, samples):
        """Wait until so many more were answered."""
        until = self.seen.total() + samples
        while self.seen.total() < until:
            assert all(thread.is_alive() for thread in self._threads)
            assert self.faults == []
            time.sleep(0.05)

    def _send(self, number):
        with httpx.Client(base_url=self._url, timeout=self._timeout_s) as client:
            for count in itertools.count():
                if self._stop.is_set():
                    return
                self._one(client, self._first + number + CLIENTS * count)

    def _one(self, client, answer):
        texts = self._texts(answer)
        group = {"completions": [text for text, _ in texts], "reference": str(answer), **self._group}
        try:
            reply = client.post(self._path, json=group)
        except httpx.ReadTimeout:
            self.faults.append("hang")
        except httpx.TransportError:
            self.seen["no connection"] += len(texts)
            time.sleep(0.05)
        else:
            self._look_at(reply, [reward for _, reward in texts])

    def _look_at(self, reply, rewards):
        if reply.status_code in (429, 503):
            self.seen[str(reply.status_code)] += len(rewards)
            return
        if reply.status_code != 200:
            self.faults.append(reply.text)
            return
        for result, right in zip(reply.json()["results"], rewards, strict=True):
            self.seen["null" if result["reward"] is None else "scored"] += 1
            if result["failure"]:
                self.causes[result["failure"]["message"]] += 1
            if result["reward"] not in (None, right):
                self.faults.append(result)
