package org.banyan

import java.util.concurrent.atomic.AtomicBoolean
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** How many events wait for a slow collector; older ones go, since each new one says more. */
private const val EVENTS_MAX = 16

/**
 * A community whose lists and records stay up to date by themselves.
 *
 * It fetches the events of [community], so nobody else may. Whoever made it closes it, once; closing
 * again does nothing. It may be used from any thread.
 *
 * ```kotlin
 * openCommunity(folder, keys).use { live ->
 *     live.syncStart()
 *     live.rows(Filter(kind = "visit", limit = 50u)).collect { rows -> show(rows) }
 * }
 * ```
 */
class LiveCommunity(val community: Community) : AutoCloseable {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val isClosed = AtomicBoolean()
    private val changes = MutableStateFlow(0L)
    private val heard = MutableSharedFlow<Event>(
        extraBufferCapacity = EVENTS_MAX,
        onBufferOverflow = BufferOverflow.DROP_OLDEST,
    )

    /**
     * What happens: [Event.Changed], [Event.CaughtUp], [Event.Moving], [Event.Offline], [Event.Nearby]. Hot: who begins
     * to collect hears what happens from then on.
     *
     * ```kotlin
     * live.events.collect { event -> if (event is Event.Offline) showBanner(event.`reason`) }
     * ```
     */
    val events: SharedFlow<Event> = heard.asSharedFlow()

    init {
        scope.launch {
            while (true) {
                val event = community.nextEvent() ?: break
                if (event is Event.Changed) changes.value += 1
                heard.emit(event)
            }
        }
    }

    /**
     * The rows that [filter] asks for, now and again whenever they are different. Give the filter a
     * limit: the whole list is read each time.
     *
     * ```kotlin
     * live.rows(Filter(kind = "visit", limit = 50u)).collect { rows -> adapter.submitList(rows) }
     * ```
     * @throws BanyanException while collecting, as [Community.list] does.
     */
    fun rows(filter: Filter): Flow<List<Row>> = whenChanged { community.list(filter) }

    /**
     * One record, now and again whenever it is different.
     *
     * ```kotlin
     * live.record(id).collect { view -> title.text = view.`title` }
     * ```
     * @throws BanyanException.NotFound while collecting, once it was erased.
     */
    fun record(id: String): Flow<RecordView> = whenChanged { community.show(id) }

    /**
     * All rows that [filter] asks for, page by page; also while others are written.
     *
     * ```kotlin
     * live.pages(Filter(kind = "visit", limit = 500u)).collect { page -> export(page) }
     * ```
     */
    fun pages(filter: Filter): Flow<List<Row>> = flow {
        var after = filter.`after`
        while (true) {
            val page = community.list(filter.copy(`after` = after))
            if (page.isEmpty()) break
            emit(page)
            after = page.last().`place`
        }
    }

    /**
     * Stays in touch with the relays until [syncStop] or [close]. Returns false if that was so already.
     *
     * ```kotlin
     * override fun onStart() { lifecycleScope.launch { live.syncStart() } }
     * override fun onStop() { live.syncStop() }
     * ```
     */
    suspend fun syncStart(): Boolean = community.syncStart()

    /** Ends what [syncStart] began. */
    fun syncStop() = community.syncStop()

    private fun <T> whenChanged(read: suspend () -> T): Flow<T> =
        changes.map { read() }.distinctUntilChanged()

    /** Ends syncs, frees the folder, and waits for that: at most four seconds. Not on the main thread. */
    override fun close() {
        if (isClosed.getAndSet(true)) return
        scope.cancel()
        community.shutdown()
        community.close()
    }
}

/**
 * Founds a community in [folder], away from the thread that draws.
 *
 * The recovery key is to be written down by the person: [Community.takeRecoveryKey] gives it once.
 *
 * ```kotlin
 * val live = foundCommunity(folder, "丹灶镇", "李芳", listOf(relay), keys)
 * showForPaper(live.community.takeRecoveryKey())
 * ```
 * @throws BanyanException with a sentence for the person, in [language].
 */
suspend fun foundCommunity(
    folder: String,
    title: String,
    name: String,
    relays: List<String>,
    keys: KeyStore,
    language: Language = Language.ZH,
): LiveCommunity = withContext(Dispatchers.IO) {
    LiveCommunity(Community.found(folder, title, name, relays, language, keys))
}

/**
 * Takes up an invitation in [folder]; the first sync presents it. Else as [foundCommunity].
 *
 * ```kotlin
 * val live = joinCommunity(folder, scannedTicket, "陈明", keys)
 * live.community.syncOnce(25_000u)
 * ```
 */
suspend fun joinCommunity(
    folder: String,
    ticket: String,
    name: String,
    keys: KeyStore,
    language: Language = Language.ZH,
): LiveCommunity = withContext(Dispatchers.IO) {
    LiveCommunity(Community.join(folder, ticket, name, language, keys))
}

/**
 * Opens the community in [folder]. Else as [foundCommunity].
 *
 * ```kotlin
 * openCommunity(folder, keys).use { live -> live.community.syncOnce(25_000u) }
 * ```
 */
suspend fun openCommunity(
    folder: String,
    keys: KeyStore,
    language: Language = Language.ZH,
): LiveCommunity = withContext(Dispatchers.IO) {
    LiveCommunity(Community.open(folder, language, keys))
}
