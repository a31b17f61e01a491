#if canImport(BackgroundTasks)
    import BackgroundTasks
    import Banyan
    import Foundation

    /// Syncs now and then while the app is not in front. `identifier` stands in Info.plist under
    /// `BGTaskSchedulerPermittedIdentifiers`.
    struct BackgroundSync: Sendable {
        static let identifier = "org.banyan.sync"

        let folder: URL
        let keys: KeyStore

        /// Once, before the app has finished launching.
        func register() {
            BGTaskScheduler.shared.register(forTaskWithIdentifier: Self.identifier, using: nil) { task in
                schedule()
                let syncing = Task {
                    // The folder is open in one place at a time: an app that came to the front has it.
                    let live = try await LiveCommunity.open(in: folder, keys: keys)
                    do {
                        try await live.syncOnce(within: .seconds(25))
                    } catch {
                        await live.close()
                        throw error
                    }
                    await live.close()
                }
                task.expirationHandler = { syncing.cancel() }
                Task { task.setTaskCompleted(success: (try? await syncing.value) != nil) }
            }
        }

        /// When the app goes to the back, and from each task for the next.
        func schedule() {
            let request = BGAppRefreshTaskRequest(identifier: Self.identifier)
            request.earliestBeginDate = Date(timeIntervalSinceNow: 15 * 60)
            // Not to be had in the simulator, or when the person has turned it off: then the app syncs in front.
            try? BGTaskScheduler.shared.submit(request)
        }
    }
#endif
