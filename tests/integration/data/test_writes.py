"""What writes leave behind: versions, times, outboxes, and the row that was in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from shared import clock
from shared.data import (
    AlreadyExists,
    BareRow,
    Check,
    ConditionRefused,
    Delete,
    DocumentsAttribute,
    Insert,
    IntegerAttribute,
    MomentAttribute,
    Rejected,
    Replace,
    Row,
    ShapeAttribute,
    StaleVersion,
    TransactionRefused,
    Update,
    delete,
    fetch,
    fetch_many,
    insert,
    replace,
    transact,
    update,
)
from shared.money import Money

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


class Address(msgspec.Struct, frozen=True):
    city: str
    postcode: str | None = None


class Thing(Row):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    name = UnicodeAttribute(null=True)
    number = IntegerAttribute(null=True)
    raw = BinaryAttribute(null=True, legacy_encoding=False)
    at = MomentAttribute(null=True)
    address: ShapeAttribute[Address] = ShapeAttribute(Address, null=True)
    price: ShapeAttribute[Money] = ShapeAttribute(Money, null=True)
    moments: ShapeAttribute[list[datetime]] = ShapeAttribute(list[datetime], attr_type="L", null=True)
    tags = DocumentsAttribute(null=True)


class Lease(BareRow):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    owner = UnicodeAttribute(null=True)


def read(pk: str, sk: str = "a") -> Thing:
    row = fetch(Thing, pk, sk)
    assert row is not None
    return row


def test_every_kind_of_attribute_comes_back(pk: str) -> None:
    row = Thing(
        pk,
        "a",
        name="Ünïcödé",
        number=-7,
        raw=b"\x00\xff",
        at=NOW,
        address=Address("Wien", None),
        price=Money(4500, "EUR"),
        moments=[NOW, LATER],
        tags=["x", {"y": [1, None, 2.5]}],
    )
    row.expires_at = clock.epoch_seconds(LATER)
    insert(row, now=NOW)
    found = read(pk)
    assert found.attribute_values == row.attribute_values
    assert found.address == Address("Wien", None)
    assert found.price == Money(4500, "EUR")
    assert found.moments == [NOW, LATER]
    assert isinstance(found.number, int)


def test_versions_times_and_outbox_from_write_to_write(pk: str) -> None:
    row = Thing(pk, "a")
    insert(row, now=NOW, announce=["kit.made.v1"])
    first = read(pk)
    assert (first.version, first.created_at, first.updated_at) == (1, NOW, NOW)
    assert first.outbox is not None
    assert (first.outbox["version"], first.outbox["types"]) == (1, ["kit.made.v1"])

    replace(row, now=LATER)
    second = read(pk)
    assert (second.version, second.created_at, second.updated_at) == (2, NOW, LATER)
    assert second.outbox == first.outbox

    third = update(Thing, pk, "a", actions=[Thing.number.set(1)], now=LATER, announce=["kit.changed.v1", "kit.b.v1"])
    assert (third.version, third.created_at, third.updated_at, third.number) == (3, NOW, LATER, 1)
    assert third.outbox is not None
    assert (third.outbox["version"], third.outbox["types"]) == (3, ["kit.changed.v1", "kit.b.v1"])

    fourth = update(Thing, pk, "a", actions=[Thing.number.add(1)], now=LATER)
    assert (fourth.version, fourth.number, fourth.outbox) == (4, 2, third.outbox)

    transact(Update(Thing, pk, "a", [Thing.number.set(9)], announce=["kit.c.v1"]), now=LATER)
    fifth = read(pk)
    assert fifth.outbox is not None
    assert (fifth.version, fifth.outbox["version"], fifth.outbox["types"]) == (5, 5, ["kit.c.v1"])


def test_a_stale_replace_is_refused_and_shows_the_row_as_it_is(pk: str) -> None:
    insert(Thing(pk, "a", name="first"), now=NOW)
    mine, theirs = read(pk), read(pk)
    theirs.name = "theirs"
    replace(theirs, now=NOW)
    mine.name = "mine"
    with pytest.raises(StaleVersion) as refused:
        replace(mine, now=LATER, announce=["kit.changed.v1"])
    assert isinstance(refused.value.stored, Thing)
    assert refused.value.stored.name == "theirs"
    assert (mine.version, mine.updated_at, mine.name) == (1, NOW, "mine")
    assert mine.outbox == {"version": 0, "types": []}
    refused.value.stored.name = "merged"
    replace(refused.value.stored, now=LATER)
    assert (read(pk).name, read(pk).version) == ("merged", 3)


def test_replacing_what_was_removed_is_stale(pk: str) -> None:
    insert(Thing(pk, "a"), now=NOW)
    row = read(pk)
    delete(read(pk))
    with pytest.raises(StaleVersion) as refused:
        replace(row, now=NOW)
    assert refused.value.stored is None


def test_an_update_makes_the_row_unless_the_condition_wants_one(pk: str) -> None:
    made = update(Thing, pk, "a", actions=[Thing.number.add(1)], now=NOW)
    assert (made.version, made.number, made.created_at) == (1, 1, NOW)
    with pytest.raises(ConditionRefused) as refused:
        update(Thing, pk, "b", actions=[Thing.number.add(1)], condition=Thing.pk.exists(), now=NOW)
    assert refused.value.old is None
    with pytest.raises(ConditionRefused):
        update(Thing, pk, "b", actions=[Thing.number.add(1)], now=NOW, announce=["kit.changed.v1"])
    assert fetch(Thing, pk, "b") is None
    announced = update(Thing, pk, "a", actions=[Thing.number.add(1)], now=NOW, announce=["kit.changed.v1"])
    assert announced.outbox is not None
    assert announced.outbox["version"] == 2


def test_a_refused_update_shows_the_row(pk: str) -> None:
    insert(Thing(pk, "a", name="first"), now=NOW)
    with pytest.raises(ConditionRefused) as refused:
        update(Thing, pk, "a", actions=[Thing.name.set("x")], condition=Thing.name == "second", now=NOW)
    assert isinstance(refused.value.old, Thing)
    assert refused.value.old.name == "first"
    assert read(pk).version == 1


def test_an_expired_row_counts_as_absent_only_where_asked(pk: str) -> None:
    row = Lease(pk, "lease", owner="first")
    row.expires_at = clock.epoch_seconds(LATER)
    insert(row, now=NOW)
    second = Lease(pk, "lease", owner="second")
    with pytest.raises(AlreadyExists):
        insert(second, now=LATER, over_expired=True)
    after = LATER + timedelta(seconds=1)
    with pytest.raises(AlreadyExists):
        insert(second, now=after)
    insert(second, now=after, over_expired=True)
    found = fetch(Lease, pk, "lease")
    assert found is not None
    assert found.owner == "second"


def test_a_row_without_time_to_live_never_expires(pk: str) -> None:
    insert(Lease(pk, "lease", owner="first"), now=NOW)
    with pytest.raises(AlreadyExists):
        insert(Lease(pk, "lease", owner="second"), now=LATER + timedelta(days=900), over_expired=True)


def test_a_bare_row_stays_bare_and_announces_nothing(pk: str) -> None:
    update(Lease, pk, "l", actions=[Lease.owner.set("me")], now=NOW, own_effect=lambda old: old.owner == "me")
    found = fetch(Lease, pk, "l")
    assert found is not None
    assert set(found.serialize()) == {"pk", "sk", "owner"}
    with pytest.raises(TypeError):
        insert(Lease(pk, "m"), now=NOW, announce=["kit.made.v1"])
    with pytest.raises(TypeError):
        update(Lease, pk, "l", actions=[Lease.owner.set("me")], now=NOW, announce=["kit.made.v1"])


def test_a_removal_needs_the_version_that_was_read(pk: str) -> None:
    insert(Thing(pk, "a"), now=NOW)
    old, new = read(pk), read(pk)
    replace(new, now=NOW)
    with pytest.raises(ConditionRefused):
        delete(old)
    with pytest.raises(ConditionRefused):
        delete(new, condition=Thing.name == "nobody")
    delete(new)
    delete(new)
    assert fetch(Thing, pk, "a") is None


def test_a_transaction_does_all_or_nothing_and_names_who_is_to_blame(pk: str) -> None:
    insert(Thing(pk, "a", name="first"), now=NOW)
    row = read(pk)
    row.name = "changed"
    new, check = Thing(pk, "new"), Check(Thing, pk, "c", Thing.pk.exists())
    with pytest.raises(TransactionRefused) as refused:
        transact(
            change := Replace(row, announce=["kit.changed.v1"]),
            Insert(new),
            check,
            again := Insert(Thing(pk, "a-lock")),
            now=NOW,
        )
    reason = refused.value.blames(check)
    assert reason is not None
    assert (reason.code, reason.old) == ("ConditionalCheckFailed", None)
    assert refused.value.blames(change) is None
    assert refused.value.blames(again) is None
    assert (row.version, read(pk).name) == (1, "first")
    assert fetch(Thing, pk, "new") is None

    transact(Replace(row, announce=["kit.changed.v1"]), Insert(new), Delete(Thing, pk, "nothing"), now=NOW)
    assert (row.version, new.version, read(pk).name, read(pk, "new").version) == (2, 1, "changed", 1)
    with pytest.raises(TransactionRefused) as twice:
        transact(insertion := Insert(Thing(pk, "new", name="other")), now=NOW)
    reason = twice.value.blames(insertion)
    assert reason is not None
    assert isinstance(reason.old, Thing)
    assert reason.old.sk == "new"


def test_one_token_is_one_transaction(pk: str) -> None:
    insert(Thing(pk, "a"), now=NOW)
    for _ in range(3):
        transact(
            Update(Thing, pk, "a", [Thing.number.add(1)]),
            now=NOW,
            token=pk,
        )
    assert read(pk).number == 1
    with pytest.raises(Rejected) as refused:
        transact(Update(Thing, pk, "a", [Thing.number.add(2)]), now=NOW, token=pk)
    assert refused.value.code == "IdempotentParameterMismatchException"


def test_many_rows_are_fetched_by_key(pk: str) -> None:
    for number in range(5):
        insert(Thing(pk, f"{number}", number=number), now=NOW)
    keys = [(pk, f"{number}") for number in range(120)]
    found = fetch_many(Thing, [*keys, *keys])
    assert {sk: row.number for (_, sk), row in found.items()} == {f"{number}": number for number in range(5)}
    assert fetch_many(Thing, []) == {}


def test_what_dynamodb_calls_wrong_is_rejected_at_once(pk: str) -> None:
    with pytest.raises(Rejected) as refused:
        insert(Thing(pk, "a", name="x" * 500_000), now=NOW)
    assert refused.value.code == "ValidationException"


def test_a_model_without_a_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Homeless(Row):
        class Meta:
            table_variable = "NO_SUCH_TABLE_NAME"

    class Nameless(Row):
        pass

    with pytest.raises(LookupError, match="NO_SUCH_TABLE_NAME"):
        fetch(Homeless, "a", "b")
    with pytest.raises(LookupError, match="Nameless"):
        fetch(Nameless, "a", "b")


def test_pynamodbs_own_calls_take_the_same_way(pk: str, line: object) -> None:
    insert(Thing(pk, "a", name="first"), now=NOW)
    assert Thing.get(pk, "a").name == "first"
    assert [row.sk for row in Thing.query(pk)] == ["a"]
    operations = [operation for operation, _ in getattr(line, "attempts")]  # noqa: B009
    assert operations == ["PutItem", "GetItem", "Query"]
