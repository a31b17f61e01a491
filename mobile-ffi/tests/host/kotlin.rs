//! The boundary as a Kotlin app meets it, and the page that tells how to write one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bindings::Language;

use crate::stage::{
    Network, fresh, generate, here, library, run, scenario, steps_of_scenario, steps_said,
};

/// A program in Kotlin, compiled together with everything that an app takes from here.
struct Program {
    jar: PathBuf,
    classpath: String,
}

impl Program {
    fn compile(dir: &Path) -> Self {
        let tools = run(Command::new("bash").arg(here().join("../scripts/need-kotlin")));
        // What an installation complains of comes behind what was asked for.
        let mut lines = tools.lines();
        let [kotlinc, classpath] = [(); 2].map(|()| lines.next().unwrap());
        generate(Language::Kotlin, dir);
        let kotlin = here().join("kotlin");
        let jar = dir.join("apps.jar");
        run(Command::new("bash")
            .arg(kotlinc)
            .args(["-nowarn", "-cp", classpath, "-d"])
            .arg(&jar)
            .arg(dir.join("org/banyan/banyan.kt"))
            .args(["src", "test", "example"].map(|part| kotlin.join(part)))
            .env("JAVA_OPTS", "-Xmx1g"));
        Self {
            classpath: format!("{}:{classpath}", jar.display()),
            jar,
        }
    }

    fn java(&self, main: &str) -> Command {
        let library = library();
        let library = library.parent().unwrap().display();
        let mut java = Command::new("java");
        java.arg(format!("-Djna.library.path={library}"))
            .args(["-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"])
            .args(["-cp", &self.classpath, main]);
        java
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scenario_holds_in_kotlin_and_the_example_of_the_page_runs() {
    let dir = fresh("kotlin");
    let program = tokio::task::block_in_place(|| Program::compile(&dir));
    assert!(program.jar.is_file());
    let network = Network::start(&dir).await;
    let [relay, silent] = network.addresses();

    let mut java = program.java("RunScenarioKt");
    java.arg(scenario())
        .args([&relay, &silent])
        .arg(dir.join("data"));
    let said = tokio::task::block_in_place(|| run(&mut java));
    assert_eq!(steps_said(&said), steps_of_scenario(), "{said}");

    let mut java = program.java("VillageListKt");
    java.arg(dir.join("example")).arg(&relay);
    let said = tokio::task::block_in_place(|| run(&mut java));
    network.stop().await;
    assert!(said.contains("visits: \n"), "an empty list first: {said}");
    assert!(said.contains("the relay has everything"), "{said}");
}

#[test]
fn the_page_shows_the_example_that_is_compiled_and_the_worker() {
    let page = fs::read_to_string(here().join("../docs/mobile.md")).unwrap();
    let example = fs::read_to_string(here().join("kotlin/example/VillageList.kt")).unwrap();
    let worker = fs::read_to_string(here().join("kotlin/android/SyncWorker.kt")).unwrap();
    for shown in [&example, &worker] {
        assert!(
            page.contains(&format!("```kotlin\n{shown}```")),
            "docs/mobile.md has another example"
        );
    }
    assert!(example.lines().count() < 60);
}
