"""Who is let in when it gets crowded, and who pays for a signature that is wrong."""

from dataclasses import dataclass, field

from yibao.platform.admission.service import Admission, Caller, Reason, Standing
from yibao.platform.commands.service import BATCH_LIMIT

WARD = Caller("10.0.0.1", "ward")
CLINIC = Caller("10.0.0.2", "clinic")
LIMIT = 100


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Gate:
    """An admission with a limit of 100 calls that do not end by themselves."""

    clock: Clock = field(default_factory=Clock)
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        self.admission = Admission(
            floor=LIMIT, ceiling=LIMIT, sender_rate=10, unproved_rate=10, clock=self.clock
        )

    def fill(self, caller: Caller, standing: Standing = Standing.CONTINUING) -> int:
        """Calls of one kind until one is turned away; how many were let in."""
        count = 0
        while self.admission.has_room(caller, standing):
            self.admission.enter(caller)
            count += 1
        return count


def test_a_call_is_turned_away_at_the_limit() -> None:
    assert Gate().fill(WARD) == LIMIT


def test_a_store_that_stalls_still_gets_full_batches() -> None:
    gate = Gate(clock := Clock())
    gate.admission = Admission(clock=clock)
    gate.fill(WARD)
    for _ in range(100):
        clock.now += 1  # and nothing is finished
        assert not gate.admission.has_room(WARD, Standing.CONTINUING)
    assert gate.admission.limit == BATCH_LIMIT


def test_what_begins_something_waits_before_what_goes_on() -> None:
    gate = Gate()
    assert gate.fill(WARD, Standing.OPENING) == 60
    assert gate.fill(WARD, Standing.CONTINUING) == 40


def test_what_ends_an_uncertainty_finds_room_when_nothing_else_does() -> None:
    gate = Gate()
    gate.fill(WARD)
    assert not gate.admission.has_room(WARD, Standing.CONTINUING)
    assert gate.fill(WARD, Standing.FINISHING) == 50


def test_a_caller_who_floods_leaves_room_for_another() -> None:
    gate = Gate()
    gate.fill(WARD)
    assert gate.fill(CLINIC) == 20
    assert not gate.admission.has_room(WARD, Standing.CONTINUING)


def test_two_who_flood_come_to_equal_shares() -> None:
    gate = Gate()
    gate.fill(WARD)
    for _ in range(2_000):  # each call that ends makes room; both want it, the first one first
        gate.admission.leave(WARD if _ % 2 and gate.admission._shares[WARD] else _busier(gate))
        for caller in (WARD, CLINIC):
            if gate.admission.has_room(caller, Standing.CONTINUING):
                gate.admission.enter(caller)
    assert gate.admission._shares[CLINIC] >= 40


def _busier(gate: Gate) -> Caller:
    return max((WARD, CLINIC), key=lambda caller: gate.admission._shares[caller])


def test_room_comes_back_as_calls_end() -> None:
    gate = Gate()
    gate.fill(WARD)
    gate.admission.leave(WARD)
    assert gate.admission.in_work == LIMIT - 1
    assert gate.fill(WARD) == 1


def test_a_sender_has_a_budget_of_calls() -> None:
    gate = Gate()
    assert all(gate.admission.proved(WARD, "ward") for _ in range(100))
    assert not gate.admission.proved(WARD, "ward")
    assert gate.admission.budget_refusal(WARD) is Reason.SENDER_BUDGET
    assert gate.admission.budget_refusal(CLINIC) is None
    gate.clock.now += 1
    assert gate.admission.budget_refusal(WARD) is None


def test_a_wrong_signature_costs_the_address_and_never_the_hospital_it_names() -> None:
    gate = Gate()
    stranger = Caller("10.9.9.9", WARD.account)
    for _ in range(1000):
        gate.admission.not_proved(stranger)
    assert gate.admission.budget_refusal(stranger) is Reason.ADDRESS_BUDGET
    assert gate.admission.budget_refusal(WARD) is None
    assert gate.admission.proved(WARD, "ward")


def test_a_proved_hospital_is_let_in_whatever_its_neighbours_behind_one_address_do() -> None:
    gate = Gate()
    neighbour = Caller(WARD.address, "misconfigured")
    gate.admission.proved(WARD, "ward")
    for _ in range(1000):
        gate.admission.not_proved(neighbour)
    assert gate.admission.budget_refusal(neighbour) is Reason.ADDRESS_BUDGET
    assert gate.admission.budget_refusal(WARD) is None
