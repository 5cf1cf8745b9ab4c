"""A small use case with every feature of a service: what docs/services.md shows, and what the tests call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mutoscope.engines.services import Failure, Internals, Outputs, Service, State, Steps, when


@dataclass(frozen=True)
class SellTicketInputs:
    viewer: str
    seats: int
    student: bool = False


class SellTicketInternals(Internals):
    price: int
    discount: int = 0


class SellTicketOutputs(Outputs):
    paid: int
    left: int


class HouseFull(Failure):
    """The house has fewer free seats than were asked for."""

    wanted: int
    free: int


class House(Protocol):
    """The port: who knows how many seats are free."""

    def free(self) -> int: ...

    def take(self, seats: int) -> None: ...


Sale = State[SellTicketInputs, SellTicketInternals, SellTicketOutputs]


class SellTicket(Service[SellTicketInputs, SellTicketInternals, SellTicketOutputs]):
    """Sell seats to one viewer."""

    failures = (HouseFull,)

    def steps(self) -> Steps[SellTicketInputs, SellTicketInternals, SellTicketOutputs]:
        return (
            self.find_price,
            when(self.is_student, self.halve_price),
            self.take_seats,
            self.charge,
        )

    def __init__(self, house: House) -> None:
        self.house = house

    def find_price(self, sale: Sale) -> None:
        """Every seat costs ten points."""
        sale.internals.price = 10 * sale.inputs.seats

    def is_student(self, sale: Sale) -> bool:
        return sale.inputs.student

    def halve_price(self, sale: Sale) -> None:
        sale.internals.discount = sale.internals.price // 2

    def take_seats(self, sale: Sale) -> None:
        """Refuses when the house is full."""
        free = self.house.free()
        if free < sale.inputs.seats:
            raise HouseFull(wanted=sale.inputs.seats, free=free)
        self.house.take(sale.inputs.seats)
        sale.outputs.left = self.house.free()

    def charge(self, sale: Sale) -> None:
        sale.outputs.paid = sale.internals.price - sale.internals.discount
