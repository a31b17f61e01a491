"""What an app does with a community, and what it is told when something is wrong.

Two phones and a relay: one founds in Chinese, one joins in English. Each step prints that it holds;
the test that runs this counts the steps.

Usage: test_community.py RELAY SILENT_RELAY DATA_DIR
"""

import asyncio
import contextlib
import pathlib
import sys

from banyan import BanyanError, Community, FieldChange, FieldValue, Filter, Keep, Language, Role

RELAY, SILENT, DATA = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ZH, EN = Language.ZH, Language.EN
VISIT = {"household": "良登村三巷7号", "date": "2026-03-01", "purpose": "health"}
# Two lines; signs beyond the first 65,536; a family joined from three; an accent apart from its letter.
FINDINGS = "血压偏高，提醒按时吃药。\n下周再来 𠮷 👩‍👩‍👧 e\u0301 “quoted” {field}"


class Station:
    """What one step leaves to the next."""

    lead: Community
    helper: Community
    ticket: str
    record: str
    told: str
    digest: str
    away: Community
    waiting: asyncio.Future


def folder(name):
    return str(DATA / name)


def same(found, expected, what=""):
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


@contextlib.contextmanager
def fails(variant, words):
    """The block must fail with this variant and a sentence that has these words."""
    try:
        yield
    except BanyanError as error:
        same(type(error), variant, f"kind of error ({error})")
        holds(words in error.reason, f"{variant.__name__}: {error.reason!r} lacks {words!r}")
        same(str(DATA) in error.reason, False, "an error must not tell a path")
    else:
        raise AssertionError(f"this should have failed with {variant.__name__}: {words}")


def field(view, name):
    [found] = [field for field in view.fields if field.name == name]
    return found


async def step_found_where_no_relay_answers(it):
    it.away = Community.found(folder("away"), "丹灶镇", "李芳", [SILENT], ZH)
    with fails(BanyanError.Offline, "超过了给定的时间"):
        await it.away.sync_once(timeout_ms=1)
    # It is awaited in a later step: until then it knocks.
    it.waiting = asyncio.ensure_future(it.away.sync_once())


async def step_found_and_invite(it):
    it.lead = Community.found(folder("lead"), "丹灶镇", "李芳", [RELAY], ZH)
    key = it.lead.take_recovery_key()
    same([len(group) for group in key.split(" ")], [4] * 8, "recovery key")
    same(it.lead.take_recovery_key(), None, "the recovery key is given once")
    space = await it.lead.add_space("良登村")
    holds(("良登村", space) in [(s.name, s.id) for s in await it.lead.spaces()], "the new space")
    it.ticket = await it.lead.invite("良登村", Role.VOLUNTEER)
    holds(it.ticket.startswith("banyan1"), it.ticket)
    status = await it.lead.status()
    same((status.title, status.name, status.relays), ("丹灶镇", "李芳", [RELAY]))
    same((status.is_member, status.members, status.records), (True, 1, 0))
    report = await it.lead.sync_once()
    holds(report.sent > 0 and report.bytes_sent > 0, report)
    same((report.received, report.refused), (0, []))


async def step_join(it):
    it.helper = Community.join(folder("helper"), it.ticket, "陈明", EN)
    before = await it.helper.status()
    same((before.is_member, before.title), (False, None))
    with fails(BanyanError.NotAllowed, "sync first"):
        await it.helper.add_space("沙滘村")
    report = await it.helper.sync_once()
    holds(report.received > 0, report)
    status = await it.helper.status()
    same((status.is_member, status.title, status.name), (True, "丹灶镇", "陈明"))
    same(status.community, (await it.lead.status()).community)
    holds(status.device != (await it.lead.status()).device, "two phones are two devices")
    same(it.helper.take_recovery_key(), None, "who joins has no recovery key")
    same(
        sorted(space.name for space in await it.helper.spaces()),
        sorted(space.name for space in await it.lead.spaces()),
    )
    await it.lead.sync_once()
    same((await it.lead.status()).members, 2)


async def step_write_and_sync(it):
    it.record = await it.helper.create("visit", "良登村", VISIT)
    holds(await it.helper.edit(it.record, {"findings": FINDINGS, "people": "3", "alone": "否"}), "")
    same(await it.helper.edit(it.record, {"people": "3"}), False, "nothing is different")
    holds((await it.helper.status()).pending > 0, "edits wait to be sent")
    with fails(BanyanError.NotFound, "没有这条记录"):
        await it.lead.show(it.record)
    sent = (await it.helper.sync_once()).sent
    same((await it.helper.status()).pending, 0)

    report = await it.lead.sync_once()
    same((report.by_kind, report.by_person), ({"visit": 2}, {"陈明": 2}))
    holds(report.received >= 2 and sent >= 2, report)
    view = await it.lead.show(it.record)
    same((view.kind, view.title, view.space), ("visit", VISIT["household"], "良登村"))
    same((view.created_by, view.updated_by, view.held), ("陈明", "陈明", []))
    holds(0 < view.created_at_ms <= view.updated_at_ms, view)
    same(field(view, "findings").value, FieldValue.TEXT(FINDINGS))
    same(field(view, "people").value, FieldValue.NUMBER(3))
    same(field(view, "alone").value, FieldValue.FLAG(False))
    same(field(view, "date").value, FieldValue.TEXT("2026-03-01"))
    same(field(view, "people").by, "陈明")
    again = await it.lead.sync_once()
    same((again.sent, again.received, again.merged, again.round_trips), (0, 0, 0, 1))


async def step_conflict_shown_and_settled(it):
    await it.lead.edit(it.record, {"mood": "calm"})
    await it.helper.edit(it.record, {"mood": "lonely"})
    await it.lead.sync_once()
    await it.helper.sync_once()
    same((await it.lead.sync_once()).conflicts, 1)
    moods = []
    for community in (it.lead, it.helper):
        mood = field(await community.show(it.record), "mood")
        moods.append((mood.value, mood.by, [(other.value, other.by) for other in mood.conflicts]))
    same(moods[0], moods[1], "both show the same")
    value, by, [(other, other_by)] = moods[0]
    same(
        {(value.text, by), (other.text, other_by)},
        {("calm", "李芳"), ("lonely", "陈明")},
    )
    [row] = await it.lead.list(Filter(only_conflicts=True))
    same((row.record, row.conflicts, row.fields["mood"]), (it.record, 1, value))
    same((await it.lead.status()).conflicts, 1)

    seen = field(await it.lead.show(it.record), "mood").seen
    with fails(BanyanError.Invalid, "再看一眼"):
        await it.lead.settle(it.record, "mood", "0" * 16, Keep.SHOWN())
    with fails(BanyanError.Invalid, "没有这个值"):
        await it.lead.settle(it.record, "mood", seen, Keep.OTHER(1))
    with fails(BanyanError.Invalid, "不能放在一起"):
        await it.lead.settle(it.record, "mood", seen, Keep.ALL())
    keep = Keep.SHOWN() if value.text == "calm" else Keep.OTHER(0)
    holds(await it.lead.settle(it.record, "mood", seen, keep), "a choice is a change")
    await it.lead.sync_once()
    await it.helper.sync_once()
    same(await it.helper.list(Filter(only_conflicts=True)), [])
    mood = field(await it.helper.show(it.record), "mood")
    same((mood.value, mood.by, mood.conflicts), (FieldValue.TEXT("calm"), "李芳", []))
    same(mood.seen, None, "nothing is left to choose")
    [told] = await it.helper.list(Filter(kind="comment"))
    same((told.created_by, len(told.fields["mentions"].elements)), ("李芳", 1))
    holds("用了李芳写的" in told.fields["text"].text, told)
    it.told = told.record
    it.digest = (await it.lead.status()).digest
    same((await it.helper.status()).digest, it.digest, "both have the same")


async def step_history(it):
    steps = await it.lead.history(it.record)
    same(await it.helper.history(it.record), steps, "both tell the same history")
    same(sorted(step.by for step in steps), ["李芳", "李芳", "陈明", "陈明", "陈明"])
    first, last = steps[0], steps[-1]
    changes = {change.field: (change.before, change.after) for change in first.changes}
    same(changes["household"], (FieldValue.EMPTY(), FieldValue.TEXT(VISIT["household"])))
    same((first.by, last.by), ("陈明", "李芳"))
    [choice] = last.changes
    holds(isinstance(choice, FieldChange), type(choice))
    holds(choice.before in (FieldValue.TEXT("calm"), FieldValue.TEXT("lonely")), choice)
    same((choice.field, choice.after), ("mood", FieldValue.TEXT("calm")))
    holds(all(step.at_ms > 0 for step in steps), steps)


async def step_lists(it):
    need = {"title": "路灯坏了", "category": "roads", "urgency": "high", "state": "raised"}
    second = await it.lead.create("need", "良登村", need)
    newest, *older = [row.record for row in await it.lead.list(Filter())]
    same((newest, sorted(older)), (second, sorted([it.record, it.told])))
    same([row.record for row in await it.lead.list(Filter(kind="visit"))], [it.record])
    same([row.record for row in await it.lead.list(Filter(limit=1))], [second])
    same([row.record for row in await it.lead.list(Filter(offset=1))], older)
    same(await it.lead.list(Filter(kind="event")), [])
    same(await it.lead.list(Filter(space="commons")), [])
    [row] = await it.helper.list(Filter(kind="visit", space="良登村", limit=5))
    same((row.title, row.kind, row.space), (VISIT["household"], "visit", "良登村"))
    same((row.fields["mood"], row.created_by), (FieldValue.TEXT("calm"), "陈明"))
    same((row.updated_by, row.conflicts), ("李芳", 0))
    same((await it.lead.status()).records, 3)
    same((await it.helper.status()).records, 2)
    await it.lead.sync_once()
    holds((await it.lead.status()).digest != it.digest, "the digest tells that there is more")
    same((await it.helper.status()).digest, it.digest, "and stays where nothing came")


async def step_wrong_arguments_in_the_language_asked_for(it):
    lead, helper = it.lead, it.helper
    before = (await lead.status()).pending
    with fails(BanyanError.NotFound, "没有这条记录"):
        await lead.show("a" * 26)
    with fails(BanyanError.NotFound, "no such record"):
        await helper.edit("住户", {"mood": "calm"})
    with fails(BanyanError.NotFound, "no such record"):
        await helper.history("\0")
    with fails(BanyanError.NotFound, "没有这个空间"):
        await lead.create("visit", "沙滘村", VISIT)
    with fails(BanyanError.NotFound, "no such space"):
        await helper.list(Filter(space="沙滘村"))
    with fails(BanyanError.NotFound, "那里没有数据文件夹"):
        Community.open(folder("nobody"), ZH)
    with fails(BanyanError.Invalid, "the kinds are visit"):
        await helper.create("dream", "良登村", {})
    with fails(BanyanError.Invalid, "“入户走访”还需要 household"):
        await lead.create("visit", "良登村", {"date": "2026-03-01", "purpose": "health"})
    with fails(BanyanError.Invalid, "Home visit also needs household"):
        await helper.create("visit", "良登村", {"date": "2026-03-01", "purpose": "health"})
    with fails(BanyanError.Invalid, 'has no field "weather"'):
        await helper.edit(it.record, {"weather": "晴"})
    with fails(BanyanError.Invalid, "要写成 年-月-日"):
        await lead.edit(it.record, {"date": "2026-02-30"})
    with fails(BanyanError.Invalid, "只能取以下之一"):
        await lead.edit(it.record, {"mood": "calm", "purpose": "gossip"})
    with fails(BanyanError.Invalid, "已有同名的空间"):
        await lead.add_space("良登村")
    with fails(BanyanError.Invalid, "already holds a community"):
        Community.found(folder("lead"), "丹灶镇", "李芳", [], EN)
    with fails(BanyanError.Invalid, "A relay is written"):
        Community.found(folder("unused"), "丹灶镇", "李芳", ["somewhere"], EN)
    with fails(BanyanError.Invalid, "最多有 4 个中继"):
        Community.found(folder("unused"), "丹灶镇", "李芳", [RELAY] * 5, ZH)
    mood = field(await lead.show(it.record), "mood")
    same(mood.value, FieldValue.TEXT("calm"), "nothing was written")
    same((await lead.status()).pending, before, "nothing was written")


async def step_wrong_tickets(it):
    with fails(BanyanError.Invalid, "邀请票以 banyan1 开头"):
        Community.join(folder("unused"), "你好", "陈明", ZH)
    with fails(BanyanError.Invalid, "made by a newer Banyan"):
        Community.join(folder("unused"), "banyan2" + it.ticket[7:], "陈明", EN)
    for place in (7, len(it.ticket) // 2, len(it.ticket) - 1):
        letter = "b" if it.ticket[place] == "a" else "a"
        wrong = it.ticket[:place] + letter + it.ticket[place + 1 :]
        with fails(BanyanError.Invalid, "not copied whole"):
            Community.join(folder("unused"), wrong, "陈明", EN)
    same(pathlib.Path(folder("unused")).exists(), False, "a refused ticket makes no folder")
    late = Community.join(folder("late"), it.ticket, "晚到", ZH)
    with fails(BanyanError.Refused, "邀请票已用过"):
        await late.sync_once()
    same((await late.status()).is_member, False)
    late.close()


async def step_rights(it):
    with fails(BanyanError.NotAllowed, "the role of coordinator"):
        await it.helper.add_space("沙滘村")
    with fails(BanyanError.NotAllowed, "not allowed"):
        await it.helper.invite("良登村", Role.VOLUNTEER)
    ticket = await it.lead.invite("良登村", Role.OBSERVER)
    await it.lead.sync_once()
    guest = Community.join(folder("guest"), ticket, "王老师", ZH)
    await guest.sync_once()
    same((await guest.show(it.record)).title, VISIT["household"], "an observer reads")
    with fails(BanyanError.NotAllowed, "至少需要“志愿者”角色"):
        await guest.edit(it.record, {"mood": "calm"})
    guest.close()


async def step_another_key_answers(it):
    key, addr = RELAY.split("@")
    other_key = ("a" if key[0] != "a" else "b") + key[1:]
    astray = Community.found(folder("astray"), "丹灶镇", "李芳", [f"{other_key}@{addr}"], ZH)
    with fails(BanyanError.Refused, "密钥与这个中继不符"):
        await astray.sync_once()
    astray.close()


async def step_many_calls_at_once(it):
    names = [f"住户{number}" for number in range(40)]
    made = await asyncio.gather(
        *(it.helper.create("visit", "良登村", VISIT | {"household": name}) for name in names),
        it.helper.sync_once(),
    )
    same(len(set(made[:-1])), len(names), "each record has an id of its own")
    rows = await it.helper.list(Filter(kind="visit"))
    same({row.title for row in rows}, {*names, VISIT["household"]})
    await it.helper.sync_once()
    await it.lead.sync_once()
    await it.helper.sync_once()
    same((await it.lead.status()).records, 43)
    same((await it.helper.status()).digest, (await it.lead.status()).digest)


async def step_no_network(it):
    alone = Community.found(folder("alone"), "丹灶镇", "李芳", [], EN)
    with fails(BanyanError.Offline, "has no relay yet"):
        await alone.sync_once()
    alone.close()
    away = it.away
    with fails(BanyanError.Offline, "没有应答"):
        await it.waiting
    space = await away.add_space("良登村")
    record = await away.create("visit", space, VISIT)
    holds((await away.status()).pending > 0, "work goes on without a network, and waits")
    syncing = asyncio.ensure_future(away.sync_once())
    await asyncio.sleep(0)  # The sync has begun and waits for an answer that never comes.
    away.close()
    with fails(BanyanError.Closed, "已经关闭"):
        await syncing
    again = Community.open(folder("away"), EN)
    same((await again.show(record)).title, VISIT["household"])
    holds((await again.status()).pending > 0, "what waits to be sent is still there")
    again.close()


async def step_close_and_open_again(it):
    digest = (await it.lead.status()).digest
    it.lead.close()
    it.lead.close()
    with fails(BanyanError.Closed, "已经关闭"):
        await it.lead.show(it.record)
    with fails(BanyanError.Closed, "已经关闭"):
        await it.lead.sync_once()
    again = Community.open(folder("lead"), EN)
    same((await again.show(it.record)).title, VISIT["household"])
    same(field(await again.show(it.record), "findings").value, FieldValue.TEXT(FINDINGS))
    same((await again.status()).digest, digest)
    same(again.take_recovery_key(), None, "who opens has no recovery key")
    with fails(BanyanError.Invalid, "Several records"):
        await again.show("")
    again.close()
    pathlib.Path(folder("lead"), "device.key").write_text("not a key")
    with fails(BanyanError.Storage, "key file of this device is damaged"):
        Community.open(folder("lead"), EN)
    pathlib.Path(folder("lead"), "device.key").unlink()
    with fails(BanyanError.Storage, "密钥文件不见了"):
        Community.open(folder("lead"), ZH)
    it.helper.close()


async def main():
    it = Station()
    steps = [step for name, step in globals().items() if name.startswith("step_")]
    for step in steps:
        await step(it)
        print("holds:", step.__name__.removeprefix("step_"), flush=True)


asyncio.run(main())
