//! The boundary as a Python app meets it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bindings::Language;

use crate::stage::{
    Network, fresh, generate, here, library, run, scenario, steps_of_scenario, steps_said,
};

/// A folder with the library and its Python side.
fn ready(name: &str) -> PathBuf {
    let python = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    assert!(
        python.is_ok_and(|status| status.success()),
        "this test runs a Python program: install python3, then run it again"
    );
    let dir = fresh(name);
    generate(Language::Python, &dir);
    let library = library();
    fs::copy(&library, dir.join(library.file_name().unwrap())).unwrap();
    dir
}

fn python(dir: &Path, program: &Path) -> Command {
    let mut python = Command::new("python3");
    python
        .arg(program)
        .env("PYTHONPATH", dir)
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_phones_and_a_relay_hold_what_the_python_app_expects() {
    let dir = ready("python");
    let network = Network::start(&dir).await;
    let program = here().join("tests/bindings/test_community.py");
    let mut python = python(&dir, &program);
    python.args(network.addresses()).arg(dir.join("data"));
    let said = tokio::task::block_in_place(|| run(&mut python));
    network.stop().await;
    assert_eq!(steps_said(&said), steps_of(&program), "{said}");
}

/// A fresh environment that has the wheel and nothing else; returns its Python.
fn installed(dir: &Path) -> PathBuf {
    let wheel = here().join("../scripts/wheel");
    let said = run(Command::new("bash")
        .arg(wheel)
        .arg(dir.join("banyan.py"))
        .arg(library())
        .arg(dir.join("dist")));
    let (pip, wheel) = said.trim().split_once('\n').unwrap();
    let name = format!("banyan-{}-py3-none-", env!("CARGO_PKG_VERSION"));
    assert!(
        wheel.contains(&name),
        "{wheel} has the version of the library"
    );
    let environment = dir.join("venv");
    run(Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&environment));
    let python = environment.join("bin/python");
    run(Command::new(pip)
        .args(["--disable-pip-version-check", "--python"])
        .arg(&python)
        .args(["install", "--quiet", "--no-index", wheel]));
    python
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scenario_holds_in_python_with_the_wheel_installed() {
    let dir = ready("python-scenario");
    let python = tokio::task::block_in_place(|| installed(&dir));
    let network = Network::start(&dir).await;
    let mut python = Command::new(python);
    python
        .arg(here().join("tests/bindings/run_scenario.py"))
        .arg(scenario())
        .args(network.addresses())
        .arg(dir.join("data"))
        .env("PYTHONUTF8", "1");
    let said = tokio::task::block_in_place(|| run(&mut python));
    network.stop().await;
    assert_eq!(steps_said(&said), steps_of_scenario(), "{said}");
}

/// The steps that the program has, which is every coroutine but the one that takes them: one that is
/// not taken is missed.
fn steps_of(scenario: &Path) -> Vec<String> {
    let source = fs::read_to_string(scenario).unwrap();
    let coroutines = source
        .lines()
        .filter_map(|line| line.strip_prefix("async def ")?.split('(').next());
    coroutines
        .filter(|name| *name != "main")
        .map(|name| name.trim_start_matches("step_").to_owned())
        .collect()
}
