import Banyan
import Foundation

/// On a phone: in the Keychain, as `kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly`.
final class KeysInMemory: KeyStore, @unchecked Sendable {
    private let lock = NSLock()
    private var secrets: Data?
    func load() throws -> Data? { lock.withLock { secrets } }
    func save(secrets: Data) throws { lock.withLock { self.secrets = secrets } }
}

/// Founds a community, shows its visits, and shows them again when one is written.
@main
struct VillageList {
    static func main() async throws {
        let (folder, relay) = (URL(fileURLWithPath: CommandLine.arguments[1]), CommandLine.arguments[2])
        let live = try await LiveCommunity.found(
            in: folder, title: "丹灶镇", name: "李芳", relays: [relay], keys: KeysInMemory())
        print("recovery key, for paper: \(try live.community.takeRecoveryKey()!.count) letters")
        let space = try await live.community.addSpace(name: "良登村")

        let screen = Task {
            for try await rows in live.rows(Filter(kind: "visit", limit: 50)) {
                print("visits: " + rows.map(\.title).joined(separator: ", "))
                if !rows.isEmpty { return }
            }
        }
        let events = live.events
        try await live.syncStart()
        for await event in events {
            if case .caughtUp = event { break }
        }
        print("the relay has everything")

        let visit = ["household": "三巷7号", "date": "2026-03-01", "purpose": "health"]
        let id = try await live.community.create(kind: "visit", space: space, fields: visit)
        for try await view in live.record(id) where view.title == "三巷7号" { break }
        try await screen.value
        await live.close()
    }
}
