import pytest

from reward_verifiers.service.admission import MAX_RETRY_AFTER_S, Admission
from reward_verifiers.verifier import Overloaded


def test_room_is_given_back_also_after_an_error():
    admission = Admission(10)
    with pytest.raises(LookupError), admission.enter(10):
        raise LookupError
    assert admission.in_flight == 0


def test_without_room_it_refuses_at_once_and_says_when_to_come_back():
    admission = Admission(10)
    with admission.enter(6):
        with pytest.raises(Overloaded) as caught, admission.enter(5):
            pass
        assert 1 <= caught.value.retry_after_s <= MAX_RETRY_AFTER_S
        with admission.enter(4):
            assert admission.in_flight == 10
    assert admission.in_flight == 0


def test_an_idle_service_admits_work_of_any_size():
    with Admission(10).enter(500) as room:
        assert room.units == 500


def test_work_that_grows_is_refused_when_others_need_the_room():
    admission = Admission(10)
    with admission.enter(6), pytest.raises(Overloaded), admission.enter(2) as room:
        room.grow(3)
    assert admission.in_flight == 0
    with admission.enter(2) as alone:
        alone.grow(100)
        assert admission.in_flight == 102
