from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass

import pytest
from django.db import connection, transaction
from injector import Injector, Module, inject, provider

from mutoscope.engines.services import (
    ContractError,
    Failure,
    Internals,
    MissingOutput,
    NoInternals,
    Outputs,
    Refused,
    Service,
    State,
    StepReturnedSomething,
    Steps,
    Unacceptable,
    UndeclaredAttribute,
    UndeclaredFailure,
    UnreadableLayer,
    WrittenAfterReturn,
    WrongInputs,
    atomic,
    describe,
    observing,
)
from tests.engines.services.example import (
    House,
    HouseFull,
    SellTicket,
    SellTicketInputs,
    SellTicketInternals,
    SellTicketOutputs,
)


class Theatre:
    def __init__(self, seats: int) -> None:
        self.seats = seats

    def free(self) -> int:
        return self.seats

    def take(self, seats: int) -> None:
        self.seats -= seats


@dataclass(frozen=True)
class Number:
    value: int


class Working(Internals):
    doubled: int


class Result(Outputs):
    value: int


Run = State[Number, Working, Result]


class Double(Service[Number, Working, Result]):
    """Double a number."""

    def steps(self) -> Steps[Number, Working, Result]:
        return (self.double, self.answer)

    def double(self, run: Run) -> None:
        run.internals.doubled = run.inputs.value * 2

    def answer(self, run: Run) -> None:
        run.outputs.value = run.internals.doubled


def test_steps_run_in_their_order_and_the_outputs_come_back() -> None:
    sold = SellTicket(Theatre(seats=5)).call(SellTicketInputs(viewer="ann", seats=2))
    assert (sold.paid, sold.left) == (20, 3)


def test_a_step_under_a_condition_runs_only_when_it_holds() -> None:
    service = SellTicket(Theatre(seats=5))
    assert service.call(SellTicketInputs(viewer="ann", seats=2, student=True)).paid == 10
    assert service.call(SellTicketInputs(viewer="bob", seats=2)).paid == 20


def test_a_refusal_is_raised_with_its_data() -> None:
    with pytest.raises(HouseFull) as refused:
        SellTicket(Theatre(seats=1)).call(SellTicketInputs(viewer="ann", seats=2))
    assert refused.value.data() == {"wanted": 2, "free": 1}
    assert str(refused.value) == "The house has fewer free seats than were asked for. (wanted=2, free=1)"


def test_a_failure_survives_pickling_and_is_hashable() -> None:
    refused = HouseFull(wanted=2, free=1)
    copied = pickle.loads(pickle.dumps(refused))
    assert isinstance(copied, HouseFull)
    assert copied.data() == refused.data()
    assert len({refused, copied}) == 2


def test_a_bug_in_a_step_escapes_as_itself() -> None:
    class Broken(Double):
        def answer(self, run: Run) -> None:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        Broken().call(Number(1))


def test_reading_before_writing_is_refused() -> None:
    class Hasty(Double):
        def steps(self) -> Steps[Number, Working, Result]:
            return (self.answer, self.double)

    with pytest.raises(UnreadableLayer, match=r"Working\.doubled is read before any step has written it"):
        Hasty().call(Number(1))


def test_writing_what_was_not_declared_is_refused() -> None:
    class Sloppy(Double):
        def answer(self, run: Run) -> None:
            run.outputs.valeu = 1  # type: ignore[attr-defined]

    with pytest.raises(UndeclaredAttribute, match="Result declares no attribute 'valeu'"):
        Sloppy().call(Number(1))


def test_reading_what_was_not_declared_is_refused() -> None:
    class Sloppy(Double):
        def answer(self, run: Run) -> None:
            run.outputs.value = run.internals.dubbled  # type: ignore[attr-defined]

    with pytest.raises(UndeclaredAttribute, match="Working declares no attribute 'dubbled'"):
        Sloppy().call(Number(1))


def test_an_output_that_no_step_wrote_is_refused() -> None:
    class Forgetful(Double):
        def answer(self, run: Run) -> None:
            """Forgets."""

    with pytest.raises(MissingOutput, match="no step wrote value"):
        Forgetful().call(Number(1))


def test_returned_outputs_cannot_change() -> None:
    result = Double().call(Number(2))
    with pytest.raises(WrittenAfterReturn):
        result.value = 5
    with pytest.raises(WrittenAfterReturn):
        del result.value
    assert result.value == 4


def test_outputs_show_what_is_in_them() -> None:
    assert repr(Double().call(Number(2))) == "Result(value=4)"
    assert repr(Result()) == "Result()"


def test_a_step_that_returns_a_value_is_refused() -> None:
    class Returning(Double):
        def answer(self, run: Run) -> None:
            run.outputs.value = 1
            return 3  # type: ignore[return-value]

    with pytest.raises(StepReturnedSomething):
        Returning().call(Number(1))


def test_a_failure_that_the_head_does_not_list_is_a_bug() -> None:
    class Refusing(Double):
        def answer(self, run: Run) -> None:
            raise HouseFull(wanted=1, free=0)

    with pytest.raises(UndeclaredFailure, match="add HouseFull to its failures") as escaped:
        Refusing().call(Number(1))
    assert not isinstance(escaped.value, Failure)


def test_other_inputs_are_refused() -> None:
    with pytest.raises(WrongInputs, match="Double takes Number, not int"):
        Double().call(3)  # type: ignore[arg-type]


def test_inputs_must_be_frozen() -> None:
    @dataclass
    class Open:
        value: int

    with pytest.raises(WrongInputs, match="frozen=True"):

        class Careless(Service[Open, NoInternals, Result]):
            def steps(self) -> Steps[Open, NoInternals, Result]:
                return ()


def test_a_service_names_its_layers() -> None:
    with pytest.raises(WrongInputs, match="Bare must name its three layers"):

        class Bare(Service):  # type: ignore[type-arg]
            def steps(self) -> Steps[Number, NoInternals, Result]:
                return ()


@pytest.mark.parametrize("steps", [lambda self: self.double, lambda self: None])
def test_steps_that_are_no_tuple_are_said_so(steps: object) -> None:
    one_step = type("OneStep", (Double,), {"steps": steps})
    with pytest.raises(ContractError, match="steps returns no tuple"):
        one_step().call(Number(1))
    with pytest.raises(ContractError, match="steps returns no tuple"):
        describe(one_step)


def test_a_mutable_default_is_refused() -> None:
    with pytest.raises(ContractError, match="mutable default"):

        class Shared(Internals):
            seen: list[int] = []


def test_one_object_serves_many_threads() -> None:
    service = Double()
    wrong: list[tuple[int, int]] = []
    barrier = threading.Barrier(8)

    def work(start: int) -> None:
        barrier.wait()
        for value in range(start, start + 2000):
            answer = service.call(Number(value)).value
            if answer != value * 2:
                wrong.append((value, answer))

    threads = [threading.Thread(target=work, args=(number * 10_000,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ports_arrive_by_injector() -> None:
    class Seller(SellTicket):
        @inject
        def __init__(self, house: Theatre) -> None:
            super().__init__(house)

    class Wiring(Module):
        @provider
        def house(self) -> Theatre:
            return Theatre(seats=7)

    seller = Injector([Wiring()], auto_bind=True).get(Seller)
    assert seller.call(SellTicketInputs(viewer="ann", seats=2)).left == 5


def test_observers_hear_of_steps_and_calls() -> None:
    heard: list[tuple[str, str | None]] = []

    class Listener:
        def step_finished(self, service: type, step: str, elapsed_ns: int, error: BaseException | None) -> None:
            assert elapsed_ns >= 0
            heard.append((step, error and type(error).__name__))

        def call_finished(self, service: type, elapsed_ns: int, error: BaseException | None) -> None:
            heard.append((service.__name__, error and type(error).__name__))

    with observing(Listener()), pytest.raises(HouseFull):
        SellTicket(Theatre(seats=0)).call(SellTicketInputs(viewer="ann", seats=1))
    SellTicket(Theatre(seats=1)).call(SellTicketInputs(viewer="ann", seats=1))
    assert heard == [("find_price", None), ("take_seats", "HouseFull"), ("SellTicket", "HouseFull")]


def test_an_observer_that_fails_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def step_finished(self, service: type, step: str, elapsed_ns: int, error: BaseException | None) -> None:
            raise ZeroDivisionError("in a step")

        def call_finished(self, service: type, elapsed_ns: int, error: BaseException | None) -> None:
            raise ZeroDivisionError("in a call")

    with observing(Broken()):
        assert SellTicket(Theatre(seats=2)).call(SellTicketInputs(viewer="ann", seats=1)).left == 1
        with pytest.raises(HouseFull):
            SellTicket(Theatre(seats=0)).call(SellTicketInputs(viewer="ann", seats=1))
    assert "Broken failed as an observer" in caplog.text
    assert "in a step" in caplog.text
    assert "in a call" in caplog.text


class Outer(Service[Number, NoInternals, Result]):
    """Call another service inside a transaction."""

    failures = (HouseFull,)

    def steps(self) -> Steps[Number, NoInternals, Result]:
        return (atomic(self.write_row, self.sell, self.answer),)

    def __init__(self, house: House) -> None:
        self.selling = AtomicSale(house)

    def write_row(self, run: State[Number, NoInternals, Result]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS outer_row (n int) ON COMMIT PRESERVE ROWS")
            cursor.execute("INSERT INTO outer_row VALUES (1)")

    def sell(self, run: State[Number, NoInternals, Result]) -> None:
        self.selling.call(SellTicketInputs(viewer="ann", seats=run.inputs.value))

    def answer(self, run: State[Number, NoInternals, Result]) -> None:
        run.outputs.value = run.inputs.value


class AtomicSale(SellTicket):
    def steps(self) -> Steps[SellTicketInputs, SellTicketInternals, SellTicketOutputs]:
        return (atomic(*super().steps()),)


@pytest.mark.django_db(transaction=True)
def test_an_inner_refusal_rolls_the_outer_transaction_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS outer_row (n int) ON COMMIT PRESERVE ROWS")
    with pytest.raises(HouseFull):
        Outer(Theatre(seats=1)).call(Number(2))
    assert _rows() == 0
    Outer(Theatre(seats=5)).call(Number(2))
    assert _rows() == 1


@pytest.mark.django_db(transaction=True)
def test_an_inner_service_joins_the_outer_transaction_without_a_savepoint() -> None:
    with transaction.atomic():
        AtomicSale(Theatre(seats=5)).call(SellTicketInputs(viewer="ann", seats=1))
        assert connection.savepoint_ids == []
        with pytest.raises(HouseFull):
            AtomicSale(Theatre(seats=0)).call(SellTicketInputs(viewer="ann", seats=1))
        assert connection.needs_rollback, "a refusal inside a joined transaction must doom the whole of it"


def _rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outer_row")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def test_what_cannot_be_accepted_names_its_field_and_says_why() -> None:
    refused = Unacceptable(where="title", why="A title has at most 100 characters.")
    assert isinstance(refused, Refused)
    assert (refused.field(), refused.sentence()) == ("title", "A title has at most 100 characters.")


def test_a_refusal_names_no_field_unless_it_says_so() -> None:
    class TooLate(Refused):
        """It is too late."""

    assert TooLate().field() == "__all__"
    with pytest.raises(NotImplementedError):
        TooLate().sentence()
