"""What an app does with a community, and what it is told when something is wrong.

Usage: test_community.py RELAY SILENT_RELAY DATA_DIR
"""

import asyncio
import contextlib
import pathlib
import sys

import banyan
from banyan import BanyanError, Community, FieldValue, Filter, Role

RELAY, SILENT, DATA = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
VISIT = {"household": "良登村三巷7号", "date": "2026-03-01", "purpose": "health"}
FINDINGS = "血压偏高，提醒按时吃药。\n下周再来。"


def folder(name):
    return str(DATA / name)


@contextlib.contextmanager
def fails(variant, words):
    """The block must fail with this variant and a sentence that has these words."""
    try:
        yield
    except variant as error:
        assert words in error.reason, f"{variant.__name__}: {error.reason!r} lacks {words!r}"
    else:
        raise AssertionError(f"this should have failed with {variant.__name__}: {words}")


def field(view, name):
    return next(field for field in view.fields if field.name == name)


async def begin():
    lead = Community.found(folder("lead"), "丹灶镇", "李芳", [RELAY])
    assert len(lead.take_recovery_key().replace(" ", "")) == 32
    assert lead.take_recovery_key() is None, "the recovery key is given once"
    space = await lead.add_space("良登村")
    assert ("良登村", space) in [(s.name, s.id) for s in await lead.spaces()]
    ticket = await lead.invite("良登村", Role.VOLUNTEER)
    report = await lead.sync_once()
    assert report.sent > 0 and report.refused == [], report

    helper = Community.join(folder("helper"), ticket, "陈明")
    assert not (await helper.status()).is_member
    with fails(BanyanError.NotAllowed, "run a sync first"):
        await helper.add_space("沙滘村")
    await helper.sync_once()
    status = await helper.status()
    assert status.is_member and status.title == "丹灶镇" and status.name == "陈明", status
    return lead, helper, ticket


async def write_and_meet(lead, helper):
    record = await helper.create("visit", "良登村", VISIT)
    assert await helper.edit(record, {"findings": FINDINGS, "people": "3", "alone": "否"})
    assert not await helper.edit(record, {"people": "3"}), "nothing is different"
    assert (await helper.status()).pending > 0
    await helper.sync_once()
    assert (await helper.status()).pending == 0

    report = await lead.sync_once()
    assert report.by_kind.get("visit") == 2 and report.by_person.get("陈明") == 2, report
    view = await lead.show(record)
    assert (view.title, view.space, view.created_by) == (VISIT["household"], "良登村", "陈明"), view
    assert field(view, "findings").value == FieldValue.TEXT(FINDINGS)
    assert field(view, "people").value == FieldValue.NUMBER(3)
    assert field(view, "alone").value == FieldValue.FLAG(False)
    return record


async def conflict(lead, helper, record):
    await lead.edit(record, {"mood": "calm"})
    await helper.edit(record, {"mood": "lonely"})
    await lead.sync_once()
    await helper.sync_once()
    report = await lead.sync_once()
    assert report.conflicts == 1, report
    moods = []
    for community in (lead, helper):
        mood = field(await community.show(record), "mood")
        moods.append((mood.value, mood.by, [(other.value, other.by) for other in mood.conflicts]))
    assert moods[0] == moods[1], moods
    value, by, [other] = moods[0]
    both = {(value.text, by), (other[0].text, other[1])}
    assert both == {("calm", "李芳"), ("lonely", "陈明")}, moods
    [row] = await lead.list(Filter(only_conflicts=True))
    assert row.record == record and row.conflicts == 1 and row.fields["mood"] == value, row
    assert (await lead.status()).conflicts == 1

    assert await lead.edit(record, {"mood": "happy"})
    await lead.sync_once()
    await helper.sync_once()
    assert await helper.list(Filter(only_conflicts=True)) == []
    [row] = await helper.list(Filter(kind="visit", space="良登村", limit=5))
    assert row.fields["mood"] == FieldValue.TEXT("happy") and row.updated_by == "李芳", row
    assert await helper.list(Filter(kind="event")) == []
    assert await helper.list(Filter(offset=1)) == []
    assert (await lead.status()).digest == (await helper.status()).digest


async def wrong_arguments(lead, record, ticket):
    with fails(BanyanError.NotFound, "no such record"):
        await lead.show("a" * 26)
    with fails(BanyanError.NotFound, "no such record"):
        await lead.edit("住户", {"mood": "calm"})
    with fails(BanyanError.NotFound, "no such space"):
        await lead.create("visit", "沙滘村", VISIT)
    with fails(BanyanError.NotFound, "no data folder"):
        Community.open(folder("nobody"))
    with fails(BanyanError.Invalid, "the kinds are visit"):
        await lead.create("dream", "良登村", {})
    with fails(BanyanError.Invalid, "also needs household"):
        await lead.create("visit", "良登村", {"date": "2026-03-01", "purpose": "health"})
    with fails(BanyanError.Invalid, "has no field"):
        await lead.edit(record, {"weather": "晴"})
    with fails(BanyanError.Invalid, "day of the calendar"):
        await lead.edit(record, {"date": "2026-02-30"})
    with fails(BanyanError.Invalid, "of that name already"):
        await lead.add_space("良登村")
    with fails(BanyanError.Invalid, "already holds a community"):
        Community.found(folder("lead"), "丹灶镇", "李芳", [])
    with fails(BanyanError.Invalid, "a relay is written"):
        Community.found(folder("unused"), "丹灶镇", "李芳", ["somewhere"])
    with fails(BanyanError.Invalid, "not a Banyan ticket"):
        Community.join(folder("unused"), "hello", "陈明")
    wrong = ticket[:-1] + ("a" if ticket[-1] != "a" else "b")
    with fails(BanyanError.Invalid, "not copied whole"):
        Community.join(folder("unused"), wrong, "陈明")


async def not_allowed(lead, helper, record):
    with fails(BanyanError.NotAllowed, "coordinator"):
        await helper.add_space("沙滘村")
    with fails(BanyanError.NotAllowed, "not allowed"):
        await helper.invite("良登村", Role.VOLUNTEER)
    ticket = await lead.invite("良登村", Role.OBSERVER)
    await lead.sync_once()
    guest = Community.join(folder("guest"), ticket, "王老师")
    await guest.sync_once()
    with fails(BanyanError.NotAllowed, "volunteer"):
        await guest.edit(record, {"mood": "calm"})
    guest.close()


async def refused(ticket):
    late = Community.join(folder("late"), ticket, "晚到")
    with fails(BanyanError.Refused, "invitation"):
        await late.sync_once()
    late.close()
    key, addr = RELAY.split("@")
    other_key = ("a" if key[0] != "a" else "b") + key[1:]
    astray = Community.found(folder("astray"), "丹灶镇", "李芳", [f"{other_key}@{addr}"])
    with fails(BanyanError.Refused, "another key"):
        await astray.sync_once()
    astray.close()


async def offline():
    alone = Community.found(folder("alone"), "丹灶镇", "李芳", [])
    with fails(BanyanError.Offline, "no relay"):
        await alone.sync_once()
    alone.close()
    away = Community.found(folder("away"), "丹灶镇", "李芳", [SILENT])
    with fails(BanyanError.Offline, "nobody answers"):
        await away.sync_once()
    await away.add_space("良登村")
    syncing = asyncio.ensure_future(away.sync_once())
    await asyncio.sleep(0)  # The sync has begun and waits for an answer that never comes.
    away.close()
    with fails(BanyanError.Closed, "closed"):
        await syncing


async def closed_and_opened(lead, record):
    lead.close()
    lead.close()
    with fails(BanyanError.Closed, "closed"):
        await lead.show(record)
    with fails(BanyanError.Closed, "closed"):
        await lead.sync_once()
    again = Community.open(folder("lead"))
    assert (await again.show(record)).title == VISIT["household"]
    assert again.take_recovery_key() is None
    await again.sync_once()
    again.close()
    pathlib.Path(folder("lead"), "device.key").write_text("not a key")
    with fails(BanyanError.Storage, "key file is damaged"):
        Community.open(folder("lead"))


async def main():
    lead, helper, ticket = await begin()
    record = await write_and_meet(lead, helper)
    await conflict(lead, helper, record)
    await wrong_arguments(lead, record, ticket)
    await not_allowed(lead, helper, record)
    await refused(ticket)
    await offline()
    await closed_and_opened(lead, record)
    helper.close()
    print(f"everything holds, from {banyan.__name__}")


asyncio.run(main())
