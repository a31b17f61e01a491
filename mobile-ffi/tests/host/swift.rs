//! The boundary as a Swift app meets it, and the page that tells how to write one.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use bindings::Language;

use crate::stage::{
    Network, copy_all, fresh, generate, here, library, run, scenario, steps_of_scenario, steps_said,
};

/// How `need-swift` ends where Swift can neither be found nor fetched.
const CANNOT: i32 = 3;

/// A folder with everything that a program in Swift takes from here; it sees nothing else.
struct Workshop {
    dir: PathBuf,
}

impl Workshop {
    /// None where there is no Swift, which is said aloud.
    fn open() -> Option<Self> {
        let need = here().join("../scripts/need-swift");
        let needed = Command::new("bash").arg(need).output().unwrap();
        let said = String::from_utf8_lossy(&needed.stderr);
        if needed.status.code() == Some(CANNOT) {
            // Not by a macro: what those print in a test that passes is swallowed.
            io::stderr().write_all(said.as_bytes()).unwrap();
            return None;
        }
        assert!(needed.status.success(), "{said}");
        let dir = fresh("swift");
        generate(Language::Swift, &dir);
        let library = library();
        fs::copy(&library, dir.join(library.file_name().unwrap())).unwrap();
        for part in ["Sources/Banyan", "test", "example"] {
            copy_all(&here().join("swift").join(part), &dir.join(part));
        }
        fs::copy(scenario(), dir.join("scenario.json")).unwrap();
        Some(Self { dir })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let with = here().join("../scripts/with-swift");
        let mut with_swift = Command::new("bash");
        run(with_swift
            .arg(with)
            .arg(&self.dir)
            .arg(program)
            .args(arguments))
    }

    /// Compiles the Swift files of folders, which are paths in this one.
    fn compile(&self, arguments: &[&str], folders: &[&str]) {
        let map = self.dir.join("BanyanFFI.modulemap");
        let map = format!("-fmodule-map-file={}", map.display());
        let language = [
            "-Onone",
            "-parse-as-library",
            "-swift-version",
            "6",
            "-Xcc",
            &map,
        ];
        let linked = [
            "-I.",
            "-L.",
            "-lmobile_ffi",
            "-Xlinker",
            "-rpath",
            "-Xlinker",
            "$ORIGIN",
        ];
        let sources = folders.iter().flat_map(|folder| {
            let files = fs::read_dir(self.dir.join(folder)).unwrap();
            files.map(move |file| format!("{folder}/{}", file.unwrap().file_name().display()))
        });
        let sources: Vec<String> = sources.filter(|path| path.ends_with(".swift")).collect();
        let sources = sources.iter().map(String::as_str);
        let all: Vec<&str> = language
            .into_iter()
            .chain(linked)
            .chain(arguments.iter().copied())
            .chain(sources)
            .collect();
        self.run("swiftc", &all);
    }

    fn compile_all(&self) {
        let module = [
            "-emit-library",
            "-emit-module",
            "-module-name",
            "Banyan",
            "-o",
            "libBanyan.so",
        ];
        self.compile(&module, &[".", "Sources/Banyan"]);
        self.compile(&["-lBanyan", "-o", "run-scenario"], &["test"]);
        self.compile(&["-lBanyan", "-o", "village-list"], &["example"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scenario_holds_in_swift_and_the_example_of_the_page_runs() {
    let Some(workshop) = tokio::task::block_in_place(Workshop::open) else {
        return;
    };
    tokio::task::block_in_place(|| workshop.compile_all());
    let network = Network::start(&workshop.dir).await;
    let [relay, silent] = network.addresses();

    let data = workshop.dir.join("data");
    let arguments = ["scenario.json", &relay, &silent, data.to_str().unwrap()];
    let said = tokio::task::block_in_place(|| workshop.run("./run-scenario", &arguments));
    assert_eq!(steps_said(&said), steps_of_scenario(), "{said}");

    let said = tokio::task::block_in_place(|| workshop.run("./village-list", &["founded", &relay]));
    network.stop().await;
    assert!(said.contains("visits: \n"), "an empty list first: {said}");
    assert!(said.contains("the relay has everything"), "{said}");
    assert!(said.contains("visits: 三巷7号"), "{said}");
}

#[test]
fn the_page_shows_the_swift_example_that_is_compiled() {
    let page = fs::read_to_string(here().join("../docs/mobile.md")).unwrap();
    for (name, is_short) in [("VillageList", true), ("BackgroundSync", false)] {
        let path = here().join(format!("swift/example/{name}.swift"));
        let example = fs::read_to_string(path).unwrap();
        assert!(
            page.contains(&format!("```swift\n{example}```")),
            "docs/mobile.md has another {name}"
        );
        assert!(!is_short || example.lines().count() < 60);
    }
}
