// Runs a scenario that is written as data, the same that apps in other languages run.
//
// Arguments: SCENARIO RELAY SILENT_RELAY DATA_DIR; or --write FOLDER, to write needs until killed

import com.google.gson.Gson
import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonNull
import com.google.gson.JsonObject
import com.google.gson.JsonPrimitive
import java.io.File
import java.lang.reflect.Modifier
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.banyan.BanyanException
import org.banyan.BlobPart
import org.banyan.BundleWatch
import org.banyan.Community
import org.banyan.ExportAsk
import org.banyan.Filter
import org.banyan.Keep
import org.banyan.KeyStore
import org.banyan.Language
import org.banyan.LiveCommunity
import org.banyan.LogLevel
import org.banyan.LogSink
import org.banyan.NewAttachment
import org.banyan.PlatformException
import org.banyan.Question
import org.banyan.Role
import org.banyan.endLogging
import org.banyan.initLogging
import org.banyan.qr

const val PATIENCE_MS = 60_000L

class MemoryKeys(private var secrets: ByteArray? = null) : KeyStore {
    override fun load(): ByteArray? = secrets
    override fun save(secrets: ByteArray) { this.secrets = secrets }
}

class ThrowingKeys : KeyStore {
    override fun load(): ByteArray? = throw IllegalStateException("not one of ours")
    override fun save(secrets: ByteArray) = throw PlatformException.Unavailable("the phone is locked")
}

class Lines : LogSink {
    val lines = java.util.Collections.synchronizedList(mutableListOf<String>())
    override fun log(level: LogLevel, source: String, text: String) {
        lines.add(text)
        throw IllegalStateException("a log that fails stops nothing")
    }
}

fun word(name: String) = name.replace("_", "").lowercase()

fun snake(name: String) = name.replace(Regex("[A-Z]")) { "_" + it.value.lowercase() }

/** A value as JSON has it. */
fun plain(value: Any?): JsonElement = when (value) {
    null, is Unit -> JsonNull.INSTANCE
    is String -> JsonPrimitive(value)
    is Boolean -> JsonPrimitive(value)
    is Number -> JsonPrimitive(value.toLong())
    is ULong -> JsonPrimitive(value.toLong())
    is UInt -> JsonPrimitive(value.toLong())
    is Enum<*> -> JsonPrimitive(word(value.name))
    is List<*> -> JsonArray().also { all -> value.forEach { all.add(plain(it)) } }
    is Map<*, *> -> JsonObject().also { all -> value.forEach { (name, part) -> all.add(name as String, plain(part)) } }
    else -> JsonObject().also { all ->
        all.addProperty("is", word(value.javaClass.simpleName))
        value.javaClass.declaredFields.filter { !Modifier.isStatic(it.modifiers) }.forEach {
            it.isAccessible = true
            all.add(snake(it.name), plain(it.get(value)))
        }
    }
}

fun fits(found: JsonElement?, wanted: JsonElement): Boolean = when {
    wanted is JsonObject && wanted.has("size") -> found!!.asJsonArray.size() == wanted["size"].asInt
    wanted is JsonObject && wanted.has("least") -> found!!.asLong >= wanted["least"].asLong
    wanted is JsonObject && wanted.has("has") -> found!!.asJsonArray.any { fits(it, wanted["has"]) }
    wanted is JsonObject ->
        found is JsonObject && wanted.entrySet().all { (name, part) -> fits(found[name], part) }
    wanted is JsonArray ->
        found is JsonArray && found.size() == wanted.size() && found.zip(wanted).all { (one, other) -> fits(one, other) }
    found is JsonPrimitive && found.isNumber -> wanted is JsonPrimitive && wanted.isNumber && found.asLong == wanted.asLong
    else -> found == wanted
}

class Act(private val json: JsonObject) {
    fun has(name: String) = json.has(name)
    fun text(name: String): String = json[name].asString
    fun maybe(name: String): String? = json[name]?.asString
    fun number(name: String): UInt = json[name].asInt.toUInt()
    fun texts(name: String): List<String> = json[name].asJsonArray.map { it.asString }
    fun fields(name: String): Map<String, String> =
        json[name].asJsonObject.entrySet().associate { (field, typed) -> field to typed.asString }
    fun role(): Role = Role.valueOf(text("role").uppercase())
    fun question(): Question {
        val about = Act(json["question"].asJsonObject)
        return Question(about.maybe("from"), about.maybe("to"), about.maybe("space"), about.maybe("member"))
    }
    fun choice(): Keep {
        val choice = json["choose"].asJsonPrimitive
        return if (choice.isNumber) Keep.Other(choice.asInt.toUInt()) else if (choice.asString == "all") Keep.All else Keep.Shown
    }
    fun exportAsk(): ExportAsk {
        val asked = Act(json["ask"]?.asJsonObject ?: JsonObject())
        return ExportAsk(asked.maybe("reader"), asked.maybe("since"), asked.maybe("max_bytes")?.toULong())
    }
    fun attachment() = NewAttachment(
        name = text("name"),
        media = text("media"),
        original = text("content").encodeToByteArray(),
        preview = maybe("preview")?.encodeToByteArray(),
    )
    fun part(): BlobPart = BlobPart.valueOf(text("part").uppercase())
    fun filter(): Filter {
        val asked = Act(json["filter"].asJsonObject)
        return Filter(
            kind = asked.maybe("kind"),
            space = asked.maybe("space"),
            onlyConflicts = asked.has("only_conflicts"),
            states = if (asked.has("states")) asked.texts("states") else listOf(),
            search = asked.maybe("search"),
            limit = if (asked.has("limit")) asked.number("limit") else null,
        )
    }
    fun element(name: String): JsonElement? = json[name]
}

/** Starts this program once more, to write; kills it when it has said that so many are written. */
fun writeUntilKilled(folder: File, count: Int): List<String> {
    val java = ProcessHandle.current().info().command().get()
    val (library, classes) = listOf("jna.library.path", "java.class.path").map { System.getProperty(it) }
    val writer = ProcessBuilder(java, "-Djna.library.path=$library", "-cp", classes, "RunScenarioKt", "--write", folder.path)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start()
    val said = writer.inputStream.bufferedReader()
    val lines = (1..count).map { checkNotNull(said.readLine()) { "the writer ended by itself" } }
    writer.toHandle().destroyForcibly() // by itself it would throw away what was said
    return lines + said.readText().lines().dropLast(1)
}

suspend fun writeForEver(folder: String) {
    val community = Community.open(folder, Language.EN)
    community.syncStart()
    val fields = mapOf("title" to "写到一半", "category" to "roads", "urgency" to "low")
    while (true) println(community.create("need", "commons", fields))
}

class Runner(relay: String, silent: String, private val data: File) {
    private val kept = mutableMapOf<String, JsonElement>("relay" to JsonPrimitive(relay), "silent" to JsonPrimitive(silent))
    val open = mutableMapOf<String, LiveCommunity>()
    private val keys = mutableMapOf<String, KeyStore>()

    private fun filled(value: JsonElement): JsonElement = when {
        value is JsonPrimitive && value.isString && value.asString.startsWith("$") -> kept.getValue(value.asString.drop(1))
        value is JsonArray -> JsonArray().also { all -> value.forEach { all.add(filled(it)) } }
        value is JsonObject -> JsonObject().also { all -> value.entrySet().forEach { (name, part) -> all.add(name, filled(part)) } }
        else -> value
    }

    private fun keysFor(phone: String, kind: String): KeyStore? = when (kind) {
        "memory" -> keys.getOrPut(phone) { MemoryKeys() }
        "none" -> null
        "throws" -> ThrowingKeys()
        "empty" -> MemoryKeys()
        else -> MemoryKeys(byteArrayOf(1, 2, 3))
    }

    private fun begin(phone: String, act: Act) {
        val folder = File(data, phone).path
        val language = Language.valueOf(act.text("language").uppercase())
        val keys = keysFor(phone, act.text("keys"))
        val community = when (act.text("call")) {
            "found" -> Community.found(folder, act.text("title"), act.text("name"), act.texts("relays"), language, keys)
            "join" -> Community.join(folder, act.text("ticket"), act.text("name"), language, keys)
            else -> Community.open(folder, language, keys)
        }
        open[phone] = LiveCommunity(community)
    }

    /** Waits until the record looks so, by the flow that screens collect. */
    private suspend fun until(live: LiveCommunity, act: Act) {
        val wanted = act.element("gives") ?: return
        try {
            live.record(act.text("record")).collect { if (fits(plain(it), wanted)) throw Enough() }
        } catch (enough: Enough) {
            return
        }
    }

    private class Enough : RuntimeException()

    private suspend fun whileSyncing(community: Community, deed: (Job) -> Unit) = coroutineScope {
        val syncing = async { runCatching { community.syncOnce() } }
        delay(200)
        deed(syncing)
        syncing.join()
        if (!syncing.isCancelled) syncing.await().getOrThrow()
    }

    private suspend fun pages(live: LiveCommunity, filter: Filter): Map<String, Int> {
        val pages = live.pages(filter).toList()
        val rows = pages.flatten().map { it.record }
        return mapOf("rows" to rows.size, "pages" to pages.size, "different" to rows.toSet().size)
    }

    private suspend fun bundle(community: Community, act: Act): Any {
        val path = File(data, act.text("file")).path
        val watch = BundleWatch()
        if (act.has("stop")) watch.stop()
        return when (act.text("call")) {
            "export_bundle" -> community.exportBundle(path, act.exportAsk(), watch)
            "import_bundles" -> community.importBundles(listOf(path), watch)
            else -> community.inspectBundle(path, watch)
        }
    }

    private suspend fun createMany(community: Community, act: Act): Int {
        val fields = act.fields("fields")
        val rows = (0 until act.number("count").toInt()).map { fields + ("title" to fields["title"] + it) }
        return community.createAll(act.text("kind"), act.text("space"), rows).size
    }

    private suspend fun perform(act: Act): Any? {
        val call = act.text("call")
        val phone = act.maybe("on") ?: return qr(act.text("text"), Language.EN)
        if (call in setOf("found", "join", "open")) return begin(phone, act)
        if (call == "is_there") return File(File(data, phone), act.text("file")).exists()
        if (call == "write_until_killed") return writeUntilKilled(File(data, phone), act.number("count").toInt())
        val live = open.getValue(phone)
        val it = live.community
        return when (call) {
            "add_space" -> it.addSpace(act.text("name"))
            "allow_originals" -> it.allowOriginals(act.element("may")!!.asBoolean)
            "attach" -> it.attach(act.text("record"), act.attachment())
            "attachment_room" -> it.attachmentRoom()
            "attachments" -> it.attachments(act.text("record"))
            "close" -> it.shutdown()
            "count" -> it.count(act.filter())
            "create" -> it.create(act.text("kind"), act.text("space"), act.fields("fields"))
            "create_many" -> createMany(it, act)
            "devices" -> it.devices()
            "edit" -> it.edit(act.text("record"), act.fields("fields"))
            "erase" -> it.erase(act.texts("records"))
            "erasures" -> it.erasures()
            "export_bundle", "import_bundles", "inspect_bundle" -> bundle(it, act)
            "fetch_attachment" -> it.fetchAttachment(act.text("attachment"), act.part())
            "freshness" -> it.freshness()
            "history" -> it.history(act.text("record"))
            "invite" -> it.invite(act.maybe("space"), act.role())
            "is_syncing" -> it.isSyncing()
            "limit_attachments" -> it.limitAttachments(act.element("bytes")?.takeUnless { it.isJsonNull }?.asLong?.toULong())
            "list" -> it.list(act.filter())
            "members" -> it.members()
            "next_event" -> it.nextEvent()
            "pages" -> pages(live, act.filter())
            "read_attachment" -> it.readAttachment(act.text("attachment"), act.part())?.decodeToString()
            "review" -> it.review(act.text("record"), act.text("state"), act.maybe("reason"))
            "seen" -> it.show(act.text("record")).fields.first { it.name == act.text("field") }.seen
            "settle" -> it.settle(act.text("record"), act.text("field"), act.text("seen"), act.choice())
            "show" -> it.show(act.text("record"))
            "splice" -> it.splice(act.text("record"), act.text("field"), act.number("position"), act.number("delete"), act.text("text"))
            "statistics" -> it.statistics(act.question())
            "status" -> it.status()
            "sync" -> it.syncOnce(if (act.has("timeout_ms")) act.number("timeout_ms") else null)
            "sync_and_cancel" -> whileSyncing(it) { syncing -> syncing.cancel() }
            "sync_and_close" -> whileSyncing(it) { _ -> it.shutdown() }
            "sync_and_stop" -> whileSyncing(it) { _ -> it.syncStop() }
            "sync_start" -> it.syncStart()
            "sync_stop" -> it.syncStop()
            "ticks" -> it.ticks(act.texts("records"))
            "until" -> until(live, act)
            "verify" -> it.verify()
            else -> error("no such call: $call")
        }
    }

    suspend fun take(said: JsonObject) {
        val act = filled(said).asJsonObject
        val fails = act.getAsJsonArray("fails")?.map { it.asString }
        val found = try {
            plain(withTimeout(PATIENCE_MS) { perform(Act(act)) })
        } catch (error: BanyanException) {
            val reason = error.message.orEmpty()
            val isWanted = fails != null && error.javaClass.simpleName == fails[0] && fails[1] in reason
            check(isWanted && data.path !in reason) { "$said\nfailed with $error" }
            return
        }
        check(fails == null) { "$said\nshould have failed, and gave $found" }
        said["keep"]?.let { kept[it.asString] = found }
        val wanted = act["gives"]
        check(wanted == null || said["call"].asString == "until" || fits(found, wanted)) { "$said\ngave ${found.toString().take(2000)}" }
    }
}

fun main(args: Array<String>) = runBlocking {
    if (args[0] == "--write") writeForEver(args[1])
    val (scenario, relay, silent, data) = args
    val sink = Lines()
    check(initLogging(LogLevel.DEBUG, sink))
    check(!initLogging(LogLevel.DEBUG, sink)) { "logging is set up once" }
    val runner = Runner(relay, silent, File(data))
    val steps = Gson().fromJson(File(scenario).readText(), JsonObject::class.java)["steps"].asJsonArray
    for (step in steps.map { it.asJsonObject }) {
        for (act in step["acts"].asJsonArray) runner.take(act.asJsonObject)
        println("holds: " + step["name"].asString)
    }
    for (live in runner.open.values) {
        live.close()
        live.close()
    }
    endLogging()
    check(sink.lines.any { "key store" in it }) { "the log tells of the key store" }
    check(sink.lines.none { "良登村" in it || "血压" in it })
}
