import Foundation

/// A value that is read now, and read again whenever something was written; given when it is different.
///
/// Nothing is read before the loop asks. It ends when the community is closed or the task is cancelled, and
/// throws what reading throws.
public struct LiveValues<Value: Equatable & Sendable>: AsyncSequence, Sendable {
    public typealias Element = Value

    let news: News
    let read: @Sendable () async throws -> Value

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(changes: news.changes().makeAsyncIterator(), read: read)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        var changes: AsyncStream<Void>.AsyncIterator
        let read: @Sendable () async throws -> Value
        var last: Value?

        public mutating func next() async throws -> Value? {
            while await changes.next() != nil {
                do {
                    let value = try await read()
                    if value == last { continue }
                    last = value
                    return value
                } catch BanyanError.Closed {
                    return nil
                }
            }
            return nil
        }
    }
}

/// Rows of a long list, page by page. Stops between pages when the task is cancelled.
public struct Pages: AsyncSequence, Sendable {
    public typealias Element = [Row]

    let community: Community
    let filter: Filter

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(community: community, filter: filter, after: filter.after)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let community: Community
        let filter: Filter
        var after: Place?

        public mutating func next() async throws -> [Row]? {
            try Task.checkCancellation()
            let page = try await community.list(filter: filter.after(after))
            guard let last = page.last else { return nil }
            after = last.place
            return page
        }
    }
}

extension Filter {
    /// The same question, from another place on.
    ///
    /// ```swift
    /// let next = try await community.list(filter: filter.after(rows.last?.place))
    /// ```
    public func after(_ place: Place?) -> Filter {
        Filter(
            kind: kind, space: space, onlyConflicts: onlyConflicts, states: states, search: search,
            dayFrom: dayFrom, dayTo: dayTo, dueTo: dueTo, order: order, after: place, limit: limit, offset: offset)
    }
}
