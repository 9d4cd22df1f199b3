"""IdempotentReplies of a gateway, for the tests of its client."""

import json


def result(reward, kind=None, **more):
    failure = None if kind is None else {"kind": kind, "component": "toy", "message": "told"}
    return {"reward": reward, "valid": reward is not None, "failure": failure, "components": {}, "flags": [], **more}


def reply(*results, version="sha256:1"):
    return json.dumps({"domain": "toy", "version": version, "results": list(results)}).encode()
