"""Runs a scenario that is written as data, the same that apps in other languages run.

Usage: run_scenario.py SCENARIO RELAY SILENT_RELAY DATA_DIR
       run_scenario.py --write FOLDER, which writes needs until it is killed
"""

import asyncio
import atexit
import dataclasses
import enum
import json
import pathlib
import subprocess
import sys

import banyan
from banyan import BanyanError, Community, Filter, Keep, KeyStore, Language, LogLevel, LogSink, PlatformError, Role

PATIENCE = 60
MISSING = object()


class MemoryKeys(KeyStore):
    def __init__(self, secrets=None):
        self.secrets = secrets

    def load(self):
        return self.secrets

    def save(self, secrets):
        self.secrets = bytes(secrets)


class ThrowingKeys(KeyStore):
    def load(self):
        raise RuntimeError("not one of ours")

    def save(self, secrets):
        raise PlatformError.Unavailable("the phone is locked")


class Lines(LogSink):
    def __init__(self):
        self.lines = []

    def log(self, level, source, text):
        self.lines.append((level, source, text))
        raise RuntimeError("a log that fails stops nothing")


def word(name):
    return name.replace("_", "").lower()


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, enum.Enum):
        return word(value.name)
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if value is None or isinstance(value, (str, int, bool)):
        return value
    fields = vars(value)
    return {"is": word(type(value).__name__.rpartition(".")[2])} | {name: plain(part) for name, part in fields.items()}


def fits(found, wanted):
    if isinstance(wanted, dict):
        if "size" in wanted:
            return len(found) == wanted["size"]
        if "least" in wanted:
            return found >= wanted["least"]
        if "has" in wanted:
            return any(fits(part, wanted["has"]) for part in found)
        return isinstance(found, dict) and all(
            fits(found.get(name, MISSING), part) for name, part in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(fits(one, other) for one, other in zip(found, wanted))
        )
    return found is not MISSING and type(found) is type(wanted) and found == wanted


def write_until_killed(folder, count):
    """Starts this program once more, to write; kills it when it has said that so many are written."""
    command = [sys.executable, __file__, "--write", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        lines = [writer.stdout.readline() for _ in range(count)]
        writer.kill()
        lines += writer.stdout
    assert all(lines), "the writer ended by itself"
    return [line.strip() for line in lines if line.endswith("\n")]


async def write_for_ever(folder):
    community = Community.open(folder, Language.EN)
    await community.sync_start()
    fields = {"title": "写到一半", "category": "roads", "urgency": "low"}
    while True:
        print(await community.create("need", "commons", fields), flush=True)


class Runner:
    def __init__(self, relay, silent, data):
        self.kept = {"relay": relay, "silent": silent}
        self.data = pathlib.Path(data)
        self.open = {}
        self.keys = {}

    def filled(self, value):
        if isinstance(value, str) and value.startswith("$"):
            return self.kept[value[1:]]
        if isinstance(value, list):
            return [self.filled(part) for part in value]
        if isinstance(value, dict):
            return {name: self.filled(part) for name, part in value.items()}
        return value

    def keys_for(self, phone, kind):
        if kind == "memory":
            return self.keys.setdefault(phone, MemoryKeys())
        if kind == "none":
            return None
        return {"throws": ThrowingKeys(), "empty": MemoryKeys(), "garbage": MemoryKeys(b"abc")}[kind]

    def begin(self, phone, act):
        call, folder = act.pop("call"), str(self.data / phone)
        language, keys = Language[act.pop("language").upper()], self.keys_for(phone, act.pop("keys"))
        self.open[phone] = getattr(Community, call)(folder, **act, language=language, keys=keys)

    async def until(self, community, event=None, record=None, gives=None):
        """Hears events until this one came, or until the record looks so."""
        while True:
            if record and fits(plain(await community.show(record)), gives):
                return True
            heard = plain(await community.next_event())
            if event and heard["is"] == event:
                return True

    async def pages(self, community, filter):
        rows, pages = [], 0
        while True:
            page = await community.list(filter)
            if not page:
                break
            rows += [row.record for row in page]
            pages += 1
            filter.after = page[-1].place
        return {"rows": len(rows), "pages": pages, "different": len(set(rows))}

    async def bundle(self, community, call, file, ask=None, stop=False):
        path, watch = str(self.data / file), banyan.BundleWatch()
        if stop:
            watch.stop()
        if call == "export_bundle":
            return await community.export_bundle(path, banyan.ExportAsk(**(ask or {})), watch)
        if call == "import_bundles":
            return await community.import_bundles([path], watch)
        return await community.inspect_bundle(path, watch)

    async def while_syncing(self, community, deed):
        syncing = asyncio.ensure_future(community.sync_once())
        await asyncio.sleep(0.2)
        deed(syncing)
        try:
            await syncing
        except asyncio.CancelledError:
            return None

    async def do(self, act):
        call, phone = act["call"], act.pop("on", None)
        if call in ("found", "join", "open"):
            return self.begin(phone, act)
        act.pop("call")
        if call == "qr":
            return banyan.qr(act["text"], Language.EN)
        if call == "is_there":
            return (self.data / phone / act["file"]).exists()
        if call == "write_until_killed":
            return await asyncio.to_thread(write_until_killed, self.data / phone, act["count"])
        community = self.open[phone]
        if "role" in act:
            act["role"] = Role[act["role"].upper()]
        if "filter" in act:
            act["filter"] = Filter(**act["filter"])
        if "question" in act:
            act["question"] = banyan.Question(**act["question"])
        if "choose" in act:
            choice = act.pop("choose")
            act["keep"] = Keep.OTHER(choice) if isinstance(choice, int) else getattr(Keep, choice.upper())()
        if call == "seen":
            fields = (await community.show(act["record"])).fields
            return next(field.seen for field in fields if field.name == act["field"])
        if call == "until":
            return await self.until(community, **act)
        if call == "pages":
            return await self.pages(community, **act)
        if call in ("export_bundle", "import_bundles", "inspect_bundle"):
            return await self.bundle(community, call, **act)
        if call == "attach":
            preview = act.pop("preview", None)
            attachment = banyan.NewAttachment(
                name=act["name"], media=act["media"], original=act["content"].encode(),
                preview=preview.encode() if preview else None)
            return await community.attach(act["record"], attachment)
        if call == "read_attachment":
            read = await community.read_attachment(act["attachment"], banyan.BlobPart[act["part"].upper()])
            return read.decode() if read is not None else None
        if call == "fetch_attachment":
            return await community.fetch_attachment(act["attachment"], banyan.BlobPart[act["part"].upper()])
        if call == "create_many":
            fields, count = act["fields"], act["count"]
            rows = [fields | {"title": f"{fields['title']}{number}"} for number in range(count)]
            return len(await community.create_all(act["kind"], act["space"], rows))
        if call.startswith("sync_and_"):
            deed = {
                "stop": lambda _: community.sync_stop(),
                "cancel": lambda syncing: syncing.cancel(),
                "close": lambda _: community.close(),
            }
            return await self.while_syncing(community, deed[call.removeprefix("sync_and_")])
        call = {"sync": "sync_once"}.get(call, call)
        done = getattr(community, call)(**act)
        return await done if asyncio.iscoroutine(done) else done

    async def take(self, act):
        said = json.dumps(act, ensure_ascii=False)
        keep, wanted, fails = act.pop("keep", None), act.get("gives", MISSING), act.pop("fails", None)
        wanted = self.filled(wanted)
        act = self.filled(act)
        if act["call"] != "until":
            act.pop("gives", None)
        try:
            found = plain(await asyncio.wait_for(self.do(dict(act)), PATIENCE))
        except BanyanError as error:
            kind = type(error).__name__
            if fails and kind == fails[0] and fails[1] in error.reason and str(self.data) not in error.reason:
                return
            raise AssertionError(f"{said}\nfailed with {kind}: {error.reason}") from error
        if fails:
            raise AssertionError(f"{said}\nshould have failed, and gave {found}")
        if keep:
            self.kept[keep] = found
        if wanted is not MISSING and act["call"] != "until" and not fits(found, wanted):
            raise AssertionError(f"{said}\ngave {json.dumps(found, ensure_ascii=False)[:2000]}")


async def main():
    sink = Lines()
    assert banyan.init_logging(LogLevel.DEBUG, sink)
    atexit.register(banyan.end_logging)
    assert not banyan.init_logging(LogLevel.DEBUG, sink), "logging is set up once"
    scenario, relay, silent, data = sys.argv[1:]
    runner = Runner(relay, silent, data)
    for step in json.loads(pathlib.Path(scenario).read_text(encoding="utf-8"))["steps"]:
        for act in step["acts"]:
            await runner.take(act)
        print("holds:", step["name"], flush=True)
    for community in runner.open.values():
        community.close()
        community.close()
    banyan.end_logging()
    assert any("key store" in text for _, _, text in sink.lines), "the log tells of the key store"
    assert not any("良登村" in text or "血压" in text for _, _, text in sink.lines)


asyncio.run(write_for_ever(sys.argv[2]) if sys.argv[1] == "--write" else main())
