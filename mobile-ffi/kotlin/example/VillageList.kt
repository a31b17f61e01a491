import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.banyan.Event
import org.banyan.Filter
import org.banyan.KeyStore
import org.banyan.Language
import org.banyan.foundCommunity

/** On a phone: encrypt under a key of the Android Keystore, and write to a file outside of backups. */
class KeysInMemory : KeyStore {
    private var secrets: ByteArray? = null
    override fun load(): ByteArray? = secrets
    override fun save(secrets: ByteArray) { this.secrets = secrets }
}

/** Founds a community, shows its visits, and shows them again when one is written. */
fun main(args: Array<String>) = runBlocking {
    val (folder, relay) = args
    foundCommunity(folder, "丹灶镇", "李芳", listOf(relay), KeysInMemory(), Language.ZH).use { live ->
        println("recovery key, for paper: ${live.community.takeRecoveryKey()!!.length} letters")
        val space = live.community.addSpace("良登村")

        val screen = launch {
            live.rows(Filter(kind = "visit", limit = 50u)).collect { rows ->
                println("visits: " + rows.joinToString { it.title })
            }
        }
        live.syncStart()
        live.events.first { it is Event.CaughtUp }
        println("the relay has everything")

        val visit = mapOf("household" to "三巷7号", "date" to "2026-03-01", "purpose" to "health")
        val id = live.community.create("visit", space, visit)
        live.record(id).first { it.title == "三巷7号" }
        live.rows(Filter(kind = "visit")).first { it.isNotEmpty() }
        screen.cancel()
    }
}
