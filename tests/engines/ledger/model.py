"""The ledger in plain Python: what the SQL is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

from mutoscope.engines.ledger import Transfer

Legs = tuple[tuple[int, int], ...]


@dataclass
class Model:
    """Balances, what is held, and keys. `unlimited` accounts may go below zero."""

    unlimited: set[int]
    balance: dict[int, int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    keys: dict[str, tuple[str, Legs]] = field(default_factory=dict)

    def free(self, account: int) -> int:
        return self.balance.get(account, 0) - self.held.get(account, 0)

    def post(self, transfer: Transfer, kind: str = "single") -> str:
        """The outcome's word; changes the model when it is `posted`."""
        content = (kind, legs_of(transfer))
        if transfer.key in self.keys:
            return "repeated" if self.keys[transfer.key] == content else "refused"
        if any(amount < 0 and self.lacks(account, amount) for account, amount in content[1]):
            return "refused"
        self.keys[transfer.key] = content
        self.apply(content[1], held=kind == "hold")
        return "posted"

    def post_each(self, batch: list[Transfer | tuple[Transfer, ...]]) -> list[str]:
        """As ledger_post_many: the longest prefix per account, credits counting within their own link only.

        A transfer that came before in the batch has the outcome it had there, and in another link stands in the way of that link.
        """
        known = dict(self.keys)
        debits: dict[int, int] = {}
        brought: dict[tuple[int, int], int] = {}
        words: list[str] = []
        groups: list[tuple[int, list[int]]] = []
        flat: list[Transfer] = []
        seen: dict[str, tuple[int, int, Legs]] = {}
        again: dict[int, int] = {}
        for link, each in enumerate(batch):
            members = []
            for transfer in each if isinstance(each, tuple) else (each,):
                place = len(flat)
                flat.append(transfer)
                content = ("single", legs_of(transfer))
                first, first_link, first_legs = seen.setdefault(transfer.key, (place, link, content[1]))
                if first != place and first_legs == content[1]:
                    again[place] = first
                    if not isinstance(each, tuple) or first_link == link:
                        words.append("")
                        continue
                members.append(place)
                if transfer.key in known:
                    words.append("repeated" if known[transfer.key] == content else "refused")
                    continue
                word = "posted" if first == place else "refused"
                for account, amount in content[1]:
                    if amount < 0:
                        debits[account] = debits.get(account, 0) + amount
                    else:
                        brought[account, link] = brought.get((account, link), 0) + amount
                for account, amount in content[1]:
                    left = self.free(account) + debits.get(account, 0) + brought.get((account, link), 0)
                    if amount < 0 and account not in self.unlimited and left < 0:
                        word = "refused"
                words.append(word)
            groups.append((link, members))
        for _, members in groups:
            if any(words[member] != "posted" for member in members):
                for member in members:
                    words[member] = words[member] if words[member] == "repeated" else "refused"
                continue
            for member in members:
                self.keys[flat[member].key] = ("single", legs_of(flat[member]))
                self.apply(legs_of(flat[member]))
        for place, first in again.items():
            words[place] = "refused" if words[first] == "refused" else "repeated"
        return words

    def apply(self, legs: Legs, *, held: bool = False) -> None:
        for account, amount in legs:
            if not held:
                self.balance[account] = self.balance.get(account, 0) + amount
            elif amount < 0:
                self.held[account] = self.held.get(account, 0) - amount

    def lacks(self, account: int, amount: int) -> bool:
        return account not in self.unlimited and self.free(account) + amount < 0


def legs_of(transfer: Transfer) -> Legs:
    return tuple(sorted((leg.account_id, leg.amount) for leg in transfer.legs))
