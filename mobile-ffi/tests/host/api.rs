//! The names that apps write: a change of them is a change for every app.

use std::fs;

use bindings::Language;

use crate::stage::{fresh, generate};

#[test]
fn kotlin_and_swift_have_the_names_that_apps_import() {
    let dir = fresh("names");
    generate(Language::Kotlin, &dir);
    generate(Language::Swift, &dir);
    let kotlin = fs::read_to_string(dir.join("org/banyan/banyan.kt")).unwrap();
    assert!(kotlin.contains("package org.banyan"));
    assert!(
        kotlin.contains("fun `shutdown`()"),
        "Kotlin keeps close() for itself"
    );
    assert!(!kotlin.contains("fun `close`()"));
    assert!(kotlin.contains("val `title`"), "records are immutable");
    assert!(!kotlin.contains("var `title`"), "records are immutable");
    let swift = fs::read_to_string(dir.join("Banyan.swift")).unwrap();
    assert!(swift.contains("public let title"), "records are immutable");
    insta::assert_snapshot!("swift", signatures(&swift));
    let android = fresh("names-android");
    generate(Language::Android, &android);
    let android = fs::read_to_string(android.join("org/banyan/banyan.kt")).unwrap();
    assert!(android.contains("android.system.SystemCleaner"));
    assert!(!android.contains("JavaLangRefCleaner"));
    assert_eq!(kotlin_signatures(&android), kotlin_signatures(&kotlin));
    insta::assert_snapshot!("kotlin", kotlin_signatures(&kotlin));
}

/// What Swift apps see, in the order of the file and without its comments; fields as the arguments
/// that make a record. A change of it is a change for every app.
fn signatures(swift: &str) -> String {
    const BEGINS: &str = "public protocol CommunityProtocol";
    const ENDS: &str = "private enum InitializationResult";
    const OF_APPS: [&str; 7] = [
        "public protocol ",
        "public struct ",
        "public enum ",
        "enum ",
        "public static func ",
        "    case ",
        "    func ",
    ];
    let of_apps = |line: &&str| {
        let is_argument = line.trim_start().starts_with("*/");
        let is_of_apps = OF_APPS.iter().any(|start| line.starts_with(start));
        (is_argument && !line.ends_with("*/"))
            || (is_of_apps && !line.contains("FfiConverter") && !line.starts_with("    case ."))
    };
    let (_, from) = swift.split_once(BEGINS).unwrap();
    let (of_ours, _) = from.split_once(ENDS).unwrap();
    let lines = of_ours.lines().filter(of_apps).map(|line| {
        let line = line.trim_end_matches(['{', ' ', ',']);
        line.replace("     */", "    ")
    });
    let mut signatures = format!("{BEGINS}\n");
    for line in lines {
        signatures.push_str(&line);
        signatures.push('\n');
    }
    signatures
}

/// What Kotlin apps see of the generated file: the interfaces, their functions, and what values are made of.
fn kotlin_signatures(kotlin: &str) -> String {
    const OF_APPS: [&str; 10] = [
        "public interface ",
        "data class ",
        "sealed class ",
        "enum class ",
        "fun ",
        "suspend fun ",
        "@Throws",
        "class ",
        "data object ",
        "object ",
    ];
    const NOT_OF_APPS: [&str; 8] = [
        "FfiConverter",
        "Uniffi",
        "uniffi",
        "Ffi",
        "RustBuffer",
        "ForeignBytes",
        "Handle",
        "internal ",
    ];
    let lines = kotlin.lines().map(str::trim).filter(|line| {
        let begins = |start: &&str| line.starts_with(*start);
        let is_value =
            line.starts_with("val `") && (line.ends_with(',') || line.contains("kotlin."));
        (OF_APPS.iter().any(begins) || is_value)
            && !NOT_OF_APPS.iter().any(|name| line.contains(name))
            && !line.starts_with("fun write")
    });
    let mut signatures = String::new();
    for line in lines {
        signatures.push_str(line.trim_end_matches(['{', ' ', ',']));
        signatures.push('\n');
    }
    signatures
}
