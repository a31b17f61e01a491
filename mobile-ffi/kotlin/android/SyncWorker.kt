// For apps, with androidx.work:work-runtime-ktx. The library does not need it, so this is no part of it.

import android.content.Context
import androidx.work.Constraints
import androidx.work.CoroutineWorker
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.NetworkType
import androidx.work.PeriodicWorkRequest
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import java.io.File
import java.util.concurrent.TimeUnit
import org.banyan.BanyanException
import org.banyan.KeyStore
import org.banyan.openCommunity

/** Syncs now and then while the app is not in front. */
abstract class SyncWorker(context: Context, parameters: WorkerParameters) : CoroutineWorker(context, parameters) {
    /** Where the bytes lie that were encrypted under a key of the Android Keystore. */
    abstract fun keys(): KeyStore

    override suspend fun doWork(): Result = try {
        val folder = File(applicationContext.noBackupFilesDir, "community").path
        openCommunity(folder, keys()).use { it.community.syncOnce(25_000u) }
        Result.success()
    } catch (offline: BanyanException.Offline) {
        Result.retry()
    } catch (inUse: BanyanException.Storage) {
        Result.success() // the app came to the front and has the folder, or needs the person anyway
    }

    companion object {
        /** Once, when the app starts: `SyncWorker.schedule(context, VillageSync::class.java)`. */
        fun schedule(context: Context, worker: Class<out SyncWorker>) {
            val connected = Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build()
            val hourly = PeriodicWorkRequest.Builder(worker, 1, TimeUnit.HOURS).setConstraints(connected).build()
            WorkManager.getInstance(context)
                .enqueueUniquePeriodicWork("banyan-sync", ExistingPeriodicWorkPolicy.KEEP, hourly)
        }
    }
}
