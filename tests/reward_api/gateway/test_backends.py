"""Backends: shared by all domains, and closed a while after the last one used them."""

from reward_api.gateway.backends import LET_GO_S, BackendResolver

KEY = ("answer", "http://127.0.0.1:9")


async def test_an_unused_backend_is_closed_after_a_while_and_not_at_once():
    resolver = BackendResolver(None, {})
    backend = resolver.backend(*KEY)
    for _ in range(3):
        await resolver.let_go([])
    assert not backend.replicas.all()[0].client.is_closed, "groups in flight may still use it"
    resolver._unused_since[KEY] -= LET_GO_S - 1
    await resolver.let_go([])
    assert not backend.replicas.all()[0].client.is_closed
    resolver._unused_since[KEY] -= 2
    await resolver.let_go([])
    assert backend.replicas.all()[0].client.is_closed
    assert resolver.backend(*KEY) is not backend


async def test_a_backend_that_is_used_again_begins_anew():
    class Used:
        spec = type("Spec", (), {"verifier": KEY[0]})
        endpoint = KEY[1]

    class Domain:
        @staticmethod
        def parts():
            return (Used,)

    resolver = BackendResolver(None, {})
    backend = resolver.backend(*KEY)
    await resolver.let_go([])
    resolver._unused_since[KEY] -= LET_GO_S + 1
    await resolver.let_go([Domain])
    await resolver.let_go([])
    assert not backend.replicas.all()[0].client.is_closed
    await resolver.aclose()
