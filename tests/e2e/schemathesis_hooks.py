"""For schemathesis, by SCHEMATHESIS_HOOKS: which requests are valid by more than a JSON schema can say."""

import schemathesis
from schemathesis.generation import GenerationMode


@schemathesis.hook
def filter_case(context, case):
    """Without what the document cannot tell: rules between fields; a bad group of many, which is answered in its place."""
    body = case.body if isinstance(case.body, dict) else {}
    groups = body.get("groups")
    if isinstance(groups, list):
        if groups and len(body) == 1 and case.meta.generation.mode is GenerationMode.NEGATIVE:
            return False
    elif case.operation.path == "/score" and body.get("domain") is None:
        return False
    keys = (case.headers or {}).get("idempotency-key")
    return _lengths_agree(body) and _indices_fit(body) and _queries_fit(body) and _keys_fit(keys, groups)


def _lengths_agree(group):
    """One entry for each completion."""
    values = [group.get(name) for name in ("truncated", "tokens", "sessions", "indices")]
    count = len(_listed(group.get("completions")))
    return all(len(value) == count for value in values if isinstance(value, list))


def _indices_fit(group):
    """Each is another member of a group that has a name and a size."""
    indices, size = group.get("indices"), group.get("group_size")
    if not isinstance(indices, list):
        return True
    return group.get("id") is not None and isinstance(size, int) and len({*indices} & {*range(size)}) == len(indices)


def _keys_fit(header, groups):
    """One key for each group."""
    return header is None or str(header).count(",") + 1 == (len(groups) if isinstance(groups, list) else 1)


def _queries_fit(body):
    """OpenRLHF's batch: a prompt for each query; a label, too, if there are any."""
    queries, prompts, labels = (_listed(body.get(name)) for name in ("query", "prompts", "labels"))
    return len(prompts) == len(queries) and len(labels) in (0, len(queries))


def _listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]
