"""For schemathesis, by SCHEMATHESIS_HOOKS: the rules between fields of a request, which no JSON schema can say."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    """Without the cases of which the document cannot say that they are invalid."""
    body = case.body if isinstance(case.body, dict) else {}
    return _lengths_agree(body) and _indices_fit(body) and _queries_fit(body)


def _lengths_agree(group):
    """One entry for each completion."""
    lists = [
        group[name] for name in ("truncated", "tokens", "sessions", "indices") if isinstance(group.get(name), list)
    ]
    return all(len(one) == len(group.get("completions", ())) for one in lists)


def _indices_fit(group):
    """They are of a group that has a name and a size."""
    indices, size = group.get("indices"), group.get("group_size")
    if not isinstance(indices, list):
        return True
    is_named = group.get("id") is not None and size is not None
    return is_named and len({*indices}) == len(indices) and all(index < size for index in indices)


def _queries_fit(body):
    """OpenRLHF's batch: a prompt for each query; a label, too, if there are any."""
    queries, prompts, labels = (_listed(body.get(name)) for name in ("query", "prompts", "labels"))
    return len(prompts) == len(queries) and len(labels) in (0, len(queries))


def _listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]
