//! Every command explains itself.

use crate::run::Desk;

const COMMANDS: [&str; 46] = [
    "",
    "found",
    "space",
    "space add",
    "space list",
    "invite",
    "join",
    "recover",
    "put",
    "edit",
    "resolve",
    "show",
    "attach",
    "attachments",
    "save-attachment",
    "list",
    "report",
    "export",
    "import",
    "bundle",
    "bundle export",
    "bundle import",
    "bundle inspect",
    "sync",
    "nearby",
    "serve",
    "status",
    "members",
    "grant",
    "revoke",
    "verify",
    "certificate",
    "verify-certificate",
    "log",
    "duplicates",
    "held",
    "device",
    "device add",
    "device join",
    "device list",
    "device remove",
    "release",
    "discard",
    "erase",
    "erasures",
    "replay",
];

#[test]
fn every_command_has_examples_in_both_languages() {
    let desk = Desk::new();
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let english = desk.run(&words).ok().out;
        let example = format!("banyan {command}");
        assert!(
            english.contains("Examples:") && english.contains(example.trim()),
            "{english}"
        );
        let chinese = desk.run(["--lang", "zh"].iter().chain(&words)).ok().out;
        assert!(
            chinese.contains("示例：") && chinese.contains("用法："),
            "{chinese}"
        );
        assert!(
            !chinese.contains("help.") && !english.contains("help."),
            "{command}"
        );
    }
}

#[test]
fn help_prints_the_table_of_exit_codes() {
    let help = Desk::new().run(["--help"]).ok().out;
    for line in [
        "  0  everything was done",
        " 10  no relay",
        " 14  the text is not a whole ticket",
    ] {
        assert!(help.contains(line), "{line}: {help}");
    }
}

#[test]
fn language_follows_the_locale() {
    let desk = Desk::new();
    let mut command = crate::run::command(&desk.data());
    let said = crate::run::ran(
        &command
            .env("LANG", "zh_CN.UTF-8")
            .arg("status")
            .output()
            .unwrap(),
    );
    assert!(said.fails(3).contains("没有数据文件夹"));
}
