import Foundation

/// A community whose lists and records stay up to date by themselves.
///
/// It fetches the events of ``community``, so nobody else may. Whoever made it closes it with ``close()``,
/// once or more often; one that is forgotten closes itself when nothing refers to it any more. It may be
/// used from any task.
///
/// ```swift
/// let live = try await LiveCommunity.open(in: folder, keys: keys)
/// try await live.syncStart()
/// for try await rows in live.rows(Filter(kind: "visit", limit: 50)) {
///     show(rows)
/// }
/// ```
public final class LiveCommunity: Sendable {
    /// Everything that is not about staying up to date.
    public let community: Community
    private let news = News()

    /// Takes over a community, which it closes.
    public init(_ community: Community) {
        self.community = community
        // Holds no `self`: else nobody who forgets to close would be closed.
        let news = self.news
        Task.detached {
            while let event = try? await community.nextEvent() {
                news.tell(event)
            }
            news.end()
        }
    }

    deinit {
        news.end()
        let community = self.community
        // It waits for what is in hand, and whoever lets go last may be the thread that draws.
        DispatchQueue.global(qos: .utility).async { try? community.close() }
    }

    /// Ends syncs, streams and lists, frees the folder, and returns once that is so: in at most four seconds.
    /// Closing again does nothing.
    public func close() async {
        news.end()
        let community = self.community
        try? await offTheCallersThread { try community.close() }
    }

    /// What happens: ``Event/changed``, ``Event/caughtUp(report:)``, ``Event/moving(report:)``,
    /// ``Event/offline(reason:retryInMs:isFinal:)``. Who asks hears what happens from then on, until the
    /// community is closed. Of more than 16 events that wait for a slow listener the oldest go, since each new
    /// one says more.
    ///
    /// ```swift
    /// for await event in live.events {
    ///     if case .offline(let reason, _, _) = event { showBanner(reason) }
    /// }
    /// ```
    public var events: AsyncStream<Event> { news.events() }

    /// The rows that `filter` asks for, now and again whenever they are different. Give the filter a limit: the
    /// whole list is read each time.
    ///
    /// ```swift
    /// .task {
    ///     do {
    ///         for try await rows in live.rows(Filter(kind: "visit", limit: 50)) { self.rows = rows }
    ///     } catch { self.message = (error as? BanyanError)?.reason }
    /// }
    /// ```
    public func rows(_ filter: Filter) -> LiveValues<[Row]> {
        let community = self.community
        return LiveValues(news: news) { try await community.list(filter: filter) }
    }

    /// One record, now and again whenever it is different. Throws ``BanyanError/NotFound(reason:)`` once it
    /// was erased.
    ///
    /// ```swift
    /// for try await visit in live.record(id) { title = visit.title }
    /// ```
    public func record(_ id: String) -> LiveValues<RecordView> {
        let community = self.community
        return LiveValues(news: news) { try await community.show(record: id) }
    }

    /// All rows that `filter` asks for, page by page as they are asked for; also while others are written. The
    /// filter's limit is the length of a page.
    ///
    /// ```swift
    /// for try await page in live.pages(Filter(kind: "visit", limit: 500)) { try export(page) }
    /// ```
    public func pages(_ filter: Filter) -> Pages {
        Pages(community: community, filter: filter)
    }

    /// Stays in touch with the relays until ``syncStop()`` or ``close()``. Returns false if that was so already.
    @discardableResult
    public func syncStart() async throws -> Bool { try await community.syncStart() }

    /// Ends what ``syncStart()`` began.
    public func syncStop() throws { try community.syncStop() }

    /// Exchanges everything with the relays once. Throws ``BanyanError/Offline(reason:)`` if none was reached, or
    /// not `within` the time given. When the task is cancelled this ends with a `CancellationError`, and so does
    /// what ``syncStart()`` began; what was durable by then stays.
    ///
    /// ```swift
    /// let report = try await live.syncOnce(within: .seconds(25))
    /// print("new here: \(report.merged)")
    /// ```
    @discardableResult
    public func syncOnce(within limit: Duration? = nil) async throws -> SyncReport {
        try Task.checkCancellation()
        let community = self.community
        let isDone = Flag()
        defer { isDone.raise() }
        return try await withTaskCancellationHandler {
            do {
                return try await community.syncOnce(timeoutMs: limit.map(milliseconds))
            } catch BanyanError.Offline where Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            // Said again until it was heard: a sync that has not quite begun hears nothing.
            Task.detached {
                while !isDone.isRaised {
                    try? community.syncStop()
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
        }
    }
}

extension LiveCommunity {
    /// Founds a community in a folder, away from the thread that draws.
    ///
    /// The recovery key is to be written down by the person: ``Community/takeRecoveryKey()`` gives it once.
    /// Throws a ``BanyanError`` with a sentence for the person, in `language`.
    ///
    /// ```swift
    /// let live = try await LiveCommunity.found(
    ///     in: folder, title: "丹灶镇", name: "李芳", relays: [relay], keys: keys)
    /// let paper = try live.community.takeRecoveryKey()
    /// ```
    public static func found(
        in folder: URL, title: String, name: String, relays: [String], keys: KeyStore?, language: Language = .zh
    ) async throws -> LiveCommunity {
        try await offTheCallersThread {
            let community = try Community.found(
                dir: folder.path, title: title, name: name, relays: relays, language: language, keys: keys)
            return LiveCommunity(community)
        }
    }

    /// Takes up an invitation in a folder; the first sync presents it. Else as
    /// ``found(in:title:name:relays:keys:language:)``.
    ///
    /// ```swift
    /// let live = try await LiveCommunity.join(in: folder, ticket: scanned, name: "陈明", keys: keys)
    /// try await live.syncOnce()
    /// ```
    public static func join(
        in folder: URL, ticket: String, name: String, keys: KeyStore?, language: Language = .zh
    ) async throws -> LiveCommunity {
        try await offTheCallersThread {
            let community = try Community.join(
                dir: folder.path, ticket: ticket, name: name, language: language, keys: keys)
            return LiveCommunity(community)
        }
    }

    /// Opens the community in a folder. Else as ``found(in:title:name:relays:keys:language:)``.
    ///
    /// ```swift
    /// let live = try await LiveCommunity.open(in: folder, keys: keys)
    /// ```
    public static func open(
        in folder: URL, keys: KeyStore?, language: Language = .zh
    ) async throws -> LiveCommunity {
        try await offTheCallersThread {
            LiveCommunity(try Community.open(dir: folder.path, language: language, keys: keys))
        }
    }
}

extension BanyanError {
    /// A sentence that tells the person what to do. No name, no path and nothing of a record is in it.
    ///
    /// ```swift
    /// do { try await live.syncOnce() } catch let error as BanyanError { message = error.reason }
    /// ```
    public var reason: String {
        switch self {
        case .NotAllowed(let reason), .NotFound(let reason), .Invalid(let reason), .Offline(let reason),
            .Refused(let reason), .Storage(let reason), .Closed(let reason), .Internal(let reason):
            return reason
        }
    }
}

/// Whole milliseconds, at least none and at most what fits.
private func milliseconds(_ duration: Duration) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    let whole = Double(seconds) * 1_000 + Double(attoseconds) / 1e15
    return UInt32(min(max(whole, 0), Double(UInt32.max)))
}

/// Runs what touches the disk on a thread that may wait: neither the caller's, nor one that tasks share.
private func offTheCallersThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { waiting in
        DispatchQueue.global(qos: .userInitiated).async { waiting.resume(with: Result(catching: work)) }
    }
}
