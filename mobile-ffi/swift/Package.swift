// swift-tools-version:5.9
// For apps on Apple's systems. `scripts/xcframework`, on a Mac, makes what is not committed: Banyan.xcframework and
// Sources/Banyan/Generated/Banyan.swift.
import PackageDescription

let package = Package(
    name: "Banyan",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Banyan", targets: ["Banyan"])],
    targets: [
        .binaryTarget(name: "BanyanFFI", path: "Banyan.xcframework"),
        .target(
            name: "Banyan",
            dependencies: ["BanyanFFI"],
            linkerSettings: [.linkedFramework("Security"), .linkedFramework("SystemConfiguration")]
        ),
    ]
)
