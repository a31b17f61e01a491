import Foundation

/// How many events wait for a slow listener; older ones go, since each new one says more.
private let eventsMax = 16

/// Hands each event to everybody who listens, until it ends.
///
/// `@unchecked`: everything that changes is behind the lock.
final class News: @unchecked Sendable {
    private let lock = NSLock()
    private var isOver = false
    private var listeners: [UUID: AsyncStream<Event>.Continuation] = [:]
    private var readers: [UUID: AsyncStream<Void>.Continuation] = [:]

    /// What happens from now on.
    func events() -> AsyncStream<Event> {
        let (stream, listener) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(eventsMax))
        let id = UUID()
        listener.onTermination = { [weak self] _ in self?.forget(id) }
        if !add({ self.listeners[id] = listener }) { listener.finish() }
        return stream
    }

    /// Once now, and once more after whatever was written meanwhile.
    func changes() -> AsyncStream<Void> {
        let (stream, reader) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = UUID()
        reader.onTermination = { [weak self] _ in self?.forget(id) }
        if add({ self.readers[id] = reader }) { reader.yield() } else { reader.finish() }
        return stream
    }

    func tell(_ event: Event) {
        let (listeners, readers) = everybody()
        for listener in listeners { listener.yield(event) }
        guard case .changed = event else { return }
        for reader in readers { reader.yield() }
    }

    func end() {
        lock.withLock { isOver = true }
        let (listeners, readers) = everybody()
        for listener in listeners { listener.finish() }
        for reader in readers { reader.finish() }
    }

    /// Outside of the lock they are told: what they do may come back here.
    private func everybody() -> ([AsyncStream<Event>.Continuation], [AsyncStream<Void>.Continuation]) {
        lock.withLock { (Array(listeners.values), Array(readers.values)) }
    }

    /// Returns false, and adds nothing, once it is over.
    private func add(_ put: () -> Void) -> Bool {
        lock.withLock {
            if !isOver { put() }
            return !isOver
        }
    }

    private func forget(_ id: UUID) {
        lock.withLock {
            listeners[id] = nil
            readers[id] = nil
        }
    }
}

/// Is raised once, and stays so.
final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var raised = false

    var isRaised: Bool { lock.withLock { raised } }

    func raise() { lock.withLock { raised = true } }
}
