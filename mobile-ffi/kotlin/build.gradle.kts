// An AAR for Android apps: `gradle assembleRelease` in this folder. Needs an Android SDK with an NDK, Rust, and cargo-ndk.

plugins {
    id("com.android.library") version "8.7.3"
    id("org.jetbrains.kotlin.android") version "2.1.0"
}

val workspace = file("../..")
val libraries = layout.buildDirectory.dir("rust/jniLibs")
val bindings = layout.buildDirectory.dir("rust/kotlin")

/** The four kinds of processors that Android has, and what Rust calls them. */
val targets = mapOf(
    "arm64-v8a" to "aarch64-linux-android",
    "armeabi-v7a" to "armv7-linux-androideabi",
    "x86_64" to "x86_64-linux-android",
    "x86" to "i686-linux-android",
)

android {
    namespace = "org.banyan"
    compileSdk = 35

    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
        ndk { abiFilters += targets.keys }
    }

    sourceSets["main"].apply {
        manifest.srcFile("AndroidManifest.xml")
        kotlin.srcDirs("src", bindings)
        jniLibs.srcDir(libraries)
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    kotlinOptions { jvmTarget = "17" }
}

dependencies {
    implementation("androidx.annotation:annotation:1.9.1")
    implementation("net.java.dev.jna:jna:5.15.0@aar")
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.9.0")
}

/** Libraries of all four kinds, without debug information. */
val buildLibraries by tasks.registering(Exec::class) {
    workingDir = workspace
    commandLine(
        listOf("cargo", "ndk", "--platform", "26", "-o", libraries.get().asFile.path) +
            targets.keys.flatMap { listOf("-t", it) } +
            listOf("build", "-p", "mobile-ffi", "--profile", "phone"),
    )
}

/** The Kotlin file, which is the same for all four. */
val generateBindings by tasks.registering(Exec::class) {
    dependsOn(buildLibraries)
    workingDir = workspace
    commandLine(
        "cargo", "run", "-p", "uniffi-bindgen", "--",
        "--language", "android", "--out-dir", bindings.get().asFile.path,
        "target/${targets.getValue("arm64-v8a")}/phone/libmobile_ffi.so",
    )
}

tasks.named("preBuild") { dependsOn(buildLibraries, generateBindings) }
