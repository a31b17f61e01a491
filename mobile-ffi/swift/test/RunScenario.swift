// Runs a scenario that is written as data, the same that apps in other languages run.
//
// Arguments: SCENARIO RELAY SILENT_RELAY DATA_DIR; or --write FOLDER, to write needs until killed

import Banyan
import Foundation

let patience = Duration.seconds(60)

struct Broken: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

final class MemoryKeys: KeyStore, @unchecked Sendable {
    private let lock = NSLock()
    private var secrets: Data?

    init(_ secrets: Data? = nil) { self.secrets = secrets }

    func load() throws -> Data? { lock.withLock { secrets } }

    func save(secrets: Data) throws { lock.withLock { self.secrets = secrets } }
}

final class ThrowingKeys: KeyStore {
    func load() throws -> Data? { throw Broken("not one of ours") }

    func save(secrets: Data) throws { throw PlatformError.Unavailable(reason: "the phone is locked") }
}

final class Lines: LogSink, @unchecked Sendable {
    private let lock = NSLock()
    private var taken: [String] = []

    var lines: [String] { lock.withLock { taken } }

    func log(level: LogLevel, source: String, text: String) throws {
        lock.withLock { taken.append(text) }
        throw Broken("a log that fails stops nothing")
    }
}

/// One line of the scenario, with what was kept put in.
struct Act {
    let json: Json

    func has(_ name: String) -> Bool { json[name] != nil }
    func text(_ name: String) -> String { maybe(name) ?? "" }
    func maybe(_ name: String) -> String? { json[name]?.text }
    func number(_ name: String) -> UInt32? { json[name]?.number.map(UInt32.init) }
    func texts(_ name: String) -> [String] { (json[name]?.list ?? []).compactMap(\.text) }

    var fields: [String: String] {
        guard case .object(let typed)? = json["fields"] else { return [:] }
        return typed.compactMapValues(\.text)
    }

    var role: Role {
        let roles: [String: Role] = ["observer": .observer, "volunteer": .volunteer, "lead": .lead, "coordinator": .coordinator]
        return roles[text("role")] ?? .observer
    }

    var language: Language { text("language") == "zh" ? .zh : .en }

    var choice: Keep {
        switch json["choose"] {
        case .number(let place)?: .other(place: UInt32(place))
        case .text("all")?: .all
        default: .shown
        }
    }

    var question: Question {
        let about = Act(json: json["question"] ?? .null)
        return Question(from: about.maybe("from"), to: about.maybe("to"), space: about.maybe("space"), member: about.maybe("member"))
    }

    var exportAsk: ExportAsk {
        let asked = Act(json: json["ask"] ?? .null)
        return ExportAsk(reader: asked.maybe("reader"), since: asked.maybe("since"), maxBytes: asked.number("max_bytes").map(UInt64.init))
    }

    var attachment: NewAttachment {
        NewAttachment(
            name: text("name"), media: text("media"), original: Data(text("content").utf8),
            preview: maybe("preview").map { Data($0.utf8) })
    }

    var part: BlobPart { text("part") == "preview" ? .preview : .original }

    var filter: Filter {
        let asked = Act(json: json["filter"] ?? .null)
        return Filter(
            kind: asked.maybe("kind"), space: asked.maybe("space"), onlyConflicts: asked.has("only_conflicts"),
            states: asked.texts("states"), search: asked.maybe("search"), limit: asked.number("limit"))
    }
}

actor Runner {
    private let data: URL
    private var kept: [String: Json]
    private var open: [String: LiveCommunity] = [:]
    private var heard: [String: AsyncStream<Event>] = [:]
    private var keys: [String: MemoryKeys] = [:]

    init(relay: String, silent: String, data: URL) {
        self.data = data
        kept = ["relay": .text(relay), "silent": .text(silent)]
    }

    private func filled(_ value: Json) throws -> Json {
        switch value {
        case .text(let text) where text.hasPrefix("$"):
            guard let kept = kept[String(text.dropFirst())] else { throw Broken("nothing was kept as \(text)") }
            return kept
        case .list(let list): return .list(try list.map(filled))
        case .object(let fields): return .object(try fields.mapValues(filled))
        default: return value
        }
    }

    private func keysFor(_ phone: String, _ kind: String) -> KeyStore? {
        switch kind {
        case "memory":
            let own = keys[phone] ?? MemoryKeys()
            keys[phone] = own
            return own
        case "throws": return ThrowingKeys()
        case "empty": return MemoryKeys()
        case "garbage": return MemoryKeys(Data([1, 2, 3]))
        default: return nil
        }
    }

    private func begin(_ phone: String, _ act: Act) async throws {
        let folder = data.appendingPathComponent(phone)
        let keys = keysFor(phone, act.text("keys"))
        let live =
            switch act.text("call") {
            case "found":
                try await LiveCommunity.found(
                    in: folder, title: act.text("title"), name: act.text("name"), relays: act.texts("relays"),
                    keys: keys, language: act.language)
            case "join":
                try await LiveCommunity.join(
                    in: folder, ticket: act.text("ticket"), name: act.text("name"), keys: keys, language: act.language)
            default: try await LiveCommunity.open(in: folder, keys: keys, language: act.language)
            }
        heard[phone] = live.events
        open[phone] = live
    }

    /// Waits until this event came, or until the record looks so: by what screens loop over.
    private func until(_ live: LiveCommunity, _ phone: String, _ act: Act) async throws {
        if let event = act.maybe("event"), let events = heard[phone] {
            for await heard in events {
                let json = Json(heard)
                if json == .text(event) || json["is"] == .text(event) { return }
            }
            throw Broken("closed before \(event) came")
        }
        for try await view in live.record(act.text("record")) where Json(view).fits(act.json["gives"] ?? .null) { return }
    }

    private func whileSyncing(_ live: LiveCommunity, _ deed: (Task<Void, Error>) async throws -> Void) async throws {
        let syncing = Task { _ = try await live.syncOnce() }
        try await Task.sleep(for: .milliseconds(200))
        try await deed(syncing)
        do { try await syncing.value } catch is CancellationError where syncing.isCancelled { return }
        if syncing.isCancelled { throw Broken("a cancelled sync came to an end") }
    }

    private func pages(_ live: LiveCommunity, _ filter: Filter) async throws -> Json {
        var pages: Int64 = 0
        var rows: [String] = []
        for try await page in live.pages(filter) {
            pages += 1
            rows += page.map(\.record)
        }
        return .object([
            "pages": .number(pages), "rows": .number(Int64(rows.count)), "different": .number(Int64(Set(rows).count)),
        ])
    }

    private func bundle(_ community: Community, _ act: Act) async throws -> Any {
        let path = data.appendingPathComponent(act.text("file")).path
        let watch = BundleWatch()
        if act.json["stop"] != nil { watch.stop() }
        switch act.text("call") {
        case "export_bundle": return try await community.exportBundle(path: path, ask: act.exportAsk, watch: watch)
        case "import_bundles": return try await community.importBundles(paths: [path], watch: watch)
        default: return try await community.inspectBundle(path: path, watch: watch)
        }
    }

    private func createMany(_ community: Community, _ act: Act) async throws -> Int {
        let rows = (0..<(act.number("count") ?? 0)).map { number in
            act.fields.merging(["title": act.fields["title", default: ""] + "\(number)"]) { _, title in title }
        }
        return try await community.createAll(kind: act.text("kind"), space: act.text("space"), rows: rows).count
    }

    /// What names the values of a field that stand beside each other.
    private func seen(_ community: Community, _ act: Act) async throws -> String? {
        try await community.show(record: act.text("record")).fields.first { $0.name == act.text("field") }?.seen
    }

    private func answer(_ act: Act) async throws -> Json { Json(try await perform(act)) }

    private func perform(_ act: Act) async throws -> Any? {
        guard let phone = act.maybe("on") else { return try qr(text: act.text("text"), language: .en) }
        let folder = data.appendingPathComponent(phone)
        switch act.text("call") {
        case "found", "join", "open": return try await begin(phone, act)
        case "is_there": return FileManager.default.fileExists(atPath: folder.appendingPathComponent(act.text("file")).path)
        case "write_until_killed": return try writeUntilKilled(folder, Int(act.number("count") ?? 0))
        default: break
        }
        guard let live = open[phone] else { throw Broken("\(phone) is not open") }
        switch act.text("call") {
        case "allow_originals": return try await live.community.allowOriginals(may: act.json["may"] == .flag(true))
        case "attach": return try await live.community.attach(record: act.text("record"), attachment: act.attachment)
        case "attachment_room": return try await live.community.attachmentRoom()
        case "attachments": return try await live.community.attachments(record: act.text("record"))
        case "read_attachment":
            let read = try await live.community.readAttachment(attachment: act.text("attachment"), part: act.part)
            return read.map { String(decoding: $0, as: UTF8.self) }
        case "fetch_attachment":
            return try await live.community.fetchAttachment(attachment: act.text("attachment"), part: act.part)
        case "limit_attachments":
            return try await live.community.limitAttachments(bytes: act.number("bytes").map { UInt64($0) })
        case "close": return await live.close()
        case "export_bundle", "import_bundles", "inspect_bundle": return try await bundle(live.community, act)
        case "pages": return try await pages(live, act.filter)
        case "sync": return try await live.syncOnce(within: act.number("timeout_ms").map { .milliseconds($0) })
        case "sync_and_cancel": return try await whileSyncing(live) { $0.cancel() }
        case "sync_and_close": return try await whileSyncing(live) { _ in await live.close() }
        case "sync_and_stop": return try await whileSyncing(live) { _ in try live.syncStop() }
        case "sync_start": return try await live.syncStart()
        case "sync_stop": return try live.syncStop()
        case "until": return try await until(live, phone, act)
        default: return try await read(live.community, act)
        }
    }

    private func read(_ it: Community, _ act: Act) async throws -> Any? {
        switch act.text("call") {
        case "count": try await it.count(filter: act.filter)
        case "devices": try await it.devices()
        case "erasures": try await it.erasures()
        case "freshness": try await it.freshness()
        case "history": try await it.history(record: act.text("record"))
        case "is_syncing": try it.isSyncing()
        case "list": try await it.list(filter: act.filter)
        case "members": try await it.members()
        case "next_event": try await it.nextEvent()
        case "seen": try await seen(it, act)
        case "show": try await it.show(record: act.text("record"))
        case "statistics": try await it.statistics(question: act.question)
        case "status": try await it.status()
        case "ticks": try await it.ticks(records: act.texts("records"))
        case "verify": try await it.verify()
        default: try await write(it, act)
        }
    }

    private func write(_ it: Community, _ act: Act) async throws -> Any? {
        let record = act.text("record")
        switch act.text("call") {
        case "add_space": return try await it.addSpace(name: act.text("name"))
        case "create": return try await it.create(kind: act.text("kind"), space: act.text("space"), fields: act.fields)
        case "create_many": return try await createMany(it, act)
        case "edit": return try await it.edit(record: record, fields: act.fields)
        case "erase": return try await it.erase(records: act.texts("records"))
        case "invite": return try await it.invite(space: act.maybe("space"), role: act.role)
        case "review": return try await it.review(record: record, state: act.text("state"), reason: act.maybe("reason"))
        case "settle":
            return try await it.settle(
                record: record, field: act.text("field"), seen: act.text("seen"), keep: act.choice, reason: act.maybe("reason"))
        case "splice":
            return try await it.splice(
                record: record, field: act.text("field"), position: act.number("position") ?? 0,
                delete: act.number("delete") ?? 0, text: act.text("text"))
        default: throw Broken("no such call: \(act.text("call"))")
        }
    }

    func take(_ said: Json) async throws {
        let act = try filled(said)
        let fails = act["fails"]?.list?.compactMap(\.text)
        let found: Json
        do {
            found = try await withPatience { try await self.answer(Act(json: act)) }
        } catch let error as BanyanError {
            let kind = Mirror(reflecting: error).children.first?.label
            let isWanted = fails.map { kind == $0[0] && error.reason.contains($0[1]) } ?? false
            if isWanted && !error.reason.contains(data.path) { return }
            throw Broken("\(said)\nfailed with \(error)")
        }
        if fails != nil { throw Broken("\(said)\nshould have failed, and gave \(found)") }
        if let name = act["keep"]?.text { kept[name] = found }
        guard let wanted = act["gives"], act["call"] != .text("until") else { return }
        if !found.fits(wanted) { throw Broken("\(said)\ngave \("\(found)".prefix(2_000))") }
    }

    /// Closes everything, and once more.
    func closeAll() async {
        for live in open.values {
            await live.close()
            await live.close()
        }
    }
}

func withPatience<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: patience)
            throw Broken("nothing came of it in \(patience)")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}

/// Starts this program once more, to write; kills it when it has said that so many are written.
func writeUntilKilled(_ folder: URL, _ count: Int) throws -> [String] {
    let (writer, said) = (Process(), Pipe())
    writer.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    writer.arguments = ["--write", folder.path]
    writer.standardOutput = said
    try writer.run()
    var heard = Data()
    func lines() -> [Substring] { String(decoding: heard, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
    while lines().count < count {
        let more = said.fileHandleForReading.availableData
        if more.isEmpty { throw Broken("the writer ended by itself") }
        heard += more
    }
    kill(writer.processIdentifier, SIGKILL)
    heard += said.fileHandleForReading.readDataToEndOfFile()
    writer.waitUntilExit()
    return lines().map(String.init)
}

func writeForEver(_ folder: String) async throws {
    let live = try await LiveCommunity.open(in: URL(fileURLWithPath: folder), keys: nil, language: .en)
    try await live.syncStart()
    while true {
        let fields = ["title": "写到一半", "category": "roads", "urgency": "low"]
        let id = try await live.community.create(kind: "need", space: "commons", fields: fields)
        FileHandle.standardOutput.write(Data("\(id)\n".utf8))
    }
}

/// A loop ends with its task. A community that is forgotten closes itself, and ends who loops over it.
func forgetOne(_ data: URL) async throws {
    let folder = data.appendingPathComponent("forgotten")
    var live: LiveCommunity? = try await LiveCommunity.found(
        in: folder, title: "忘", name: "忘", relays: [], keys: nil, language: .en)
    let events = live!.events
    let rows = live!.rows(Filter(limit: 1))
    let cancelled = Task { for try await _ in rows {} }
    cancelled.cancel()
    try await cancelled.value
    let listening = Task { for await _ in events {} }
    let reading = Task { for try await _ in rows {} }
    live = nil
    await listening.value
    try await reading.value
    while true {
        do {
            await (try LiveCommunity.open(in: folder, keys: nil, language: .en)).close()
            return
        } catch BanyanError.Storage { continue }  // still closing
    }
}

@main
struct RunScenario {
    static func main() async {
        let arguments = CommandLine.arguments
        do {
            try await arguments[1] == "--write" ? writeForEver(arguments[2]) : run(arguments)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        let data = URL(fileURLWithPath: arguments[4])
        let sink = Lines()
        guard try initLogging(level: .debug, sink: sink), try !initLogging(level: .debug, sink: sink) else {
            throw Broken("logging is set up once")
        }
        let runner = Runner(relay: arguments[2], silent: arguments[3], data: data)
        let scenario = try JSONDecoder().decode(Json.self, from: Data(contentsOf: URL(fileURLWithPath: arguments[1])))
        for step in scenario["steps"]?.list ?? [] {
            for act in step["acts"]?.list ?? [] { try await runner.take(act) }
            print("holds: \(step["name"]?.text ?? "")")
        }
        await runner.closeAll()
        try await withPatience { try await forgetOne(data) }
        try endLogging()
        guard sink.lines.contains(where: { $0.contains("key store") }) else { throw Broken("the log tells of the key store") }
        if sink.lines.contains(where: { $0.contains("良登村") || $0.contains("血压") }) { throw Broken("contents in the log") }
    }
}
