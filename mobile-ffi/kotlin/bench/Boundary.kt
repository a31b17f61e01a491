// The same calls as mobile-ffi/benches/boundary.rs makes, from Kotlin.
//
// Arguments: FOLDER RECORD TIMES MANY; the folder has a community, the record is a need in it

import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.runBlocking
import org.banyan.Community
import org.banyan.Filter
import org.banyan.Language
import org.banyan.LiveCommunity

const val BATCH = 10_000
const val PAGE = 50u

/** Runs it so many times to warm up, then as often again, and prints how long one takes. */
suspend fun measure(what: String, times: Int, run: suspend (Int) -> Unit) {
    repeat(times) { run(it) }
    val micros = (1..times).map { number ->
        val began = System.nanoTime()
        run(times + number)
        (System.nanoTime() - began) / 1000
    }.sorted()
    println("figure: Kotlin $what: p50 ${micros[times / 2]} us, p99 ${micros[times * 99 / 100]} us")
}

suspend fun seconds(what: String, run: suspend () -> Unit) {
    val began = System.nanoTime()
    run()
    println("figure: Kotlin $what: %.2f s".format((System.nanoTime() - began) / 1e9))
}

fun main(args: Array<String>) = runBlocking {
    val (folder, record, times, many) = args
    LiveCommunity(Community.open(folder, Language.EN)).use { live ->
        val it = live.community
        measure("edit to durable", times.toInt()) { number -> it.edit(record, mapOf("title" to "路灯 $number")) }
        measure("list page of 50", times.toInt()) { _ -> check(it.list(Filter(kind = "need", limit = PAGE)).size == PAGE.toInt()) }
        if (many.toInt() == 0) return@use
        val fields = mapOf("category" to "roads", "urgency" to "low")
        seconds("createAll of $many records") {
            for (batch in (0 until many.toInt()).chunked(BATCH)) {
                it.createAll("need", "commons", batch.map { number -> fields + ("title" to "需求$number") })
            }
        }
        seconds("all of them in pages of 500") {
            var rows = 0
            live.pages(Filter(kind = "need", limit = 500u)).collect { page -> rows += page.size }
            check(rows >= many.toInt())
        }
    }
}
