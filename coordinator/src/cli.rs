//! The command line: verbs and their arguments. All words are in the catalogue, under `help.`.

use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{
    Arg, ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
};

use sync_core::bundle::BUNDLE_BYTES_MIN;
use sync_core::id::CommunityId;

use crate::demo;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::text::Text;

/// Longest name of a person, space or community, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "banyan",
    version,
    disable_help_subcommand = true,
    subcommand_required = true
)]
pub(crate) struct Cli {
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Vec<PathBuf>,
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[arg(long, global = true, value_name = "zh|en", value_parser = ["zh", "en"], hide_possible_values = true)]
    pub(crate) lang: Option<String>,
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Found(FoundArgs),
    #[command(subcommand)]
    Space(SpaceVerb),
    Invite(InviteArgs),
    Join(JoinArgs),
    Recover(RecoverArgs),
    Put(PutArgs),
    Edit(EditArgs),
    Resolve(ResolveArgs),
    Show(ShowArgs),
    Attach(AttachArgs),
    Attachments(AttachmentsArgs),
    SaveAttachment(SaveAttachmentArgs),
    List(ListArgs),
    Report(ReportArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    #[command(subcommand)]
    Bundle(BundleVerb),
    Sync(SyncArgs),
    Nearby(NearbyArgs),
    Serve(ServeArgs),
    Status,
    Members,
    Grant(GrantArgs),
    Revoke(RevokeArgs),
    #[command(subcommand)]
    Device(DeviceVerb),
    Duplicates(DuplicatesArgs),
    Held(HeldArgs),
    Release(DecideArgs),
    Discard(DecideArgs),
    Erase(EraseArgs),
    Erasures,
    Log,
    Verify,
    Certificate(CertificateArgs),
    VerifyCertificate(VerifyCertificateArgs),
    #[command(subcommand)]
    Passphrase(PassphraseVerb),
    Replay(ReplayArgs),
    Demo(demo::Args),
}

#[derive(Debug, Args)]
pub(crate) struct FoundArgs {
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
    #[arg(long = "as", value_name = "PERSON", value_parser = name)]
    pub(crate) person: Option<String>,
    #[arg(long, value_name = "ID@ADDR")]
    pub(crate) relay: Vec<String>,
    #[arg(long)]
    pub(crate) qr: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpaceVerb {
    Add(SpaceAddArgs),
    List,
}

#[derive(Debug, Args)]
pub(crate) struct SpaceAddArgs {
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: String,
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) uses: u16,
    #[arg(long)]
    pub(crate) qr: bool,
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    #[arg(value_name = "MEMBER", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) member: String,
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: String,
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    #[arg(value_name = "MEMBER", value_parser = NonEmptyStringValueParser::new())]
    #[arg(required_unless_present_any = ["device", "invite"])]
    #[arg(conflicts_with_all = ["device", "invite"])]
    pub(crate) member: Option<String>,
    #[arg(long, value_name = "ROLE", requires = "member")]
    pub(crate) role: Option<String>,
    #[arg(long, value_name = "NAME", requires = "role")]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "ID", conflicts_with = "invite")]
    pub(crate) device: Option<String>,
    #[arg(long, value_name = "TICKET")]
    pub(crate) invite: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceVerb {
    Add(DeviceAddArgs),
    Join(DeviceJoinArgs),
    List,
    Remove(DeviceRemoveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DeviceAddArgs {
    #[arg(value_name = "ANSWER")]
    pub(crate) answer: Option<String>,
    #[arg(long)]
    pub(crate) qr: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceJoinArgs {
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) label: String,
    #[arg(long)]
    pub(crate) qr: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceRemoveArgs {
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) device: String,
}

#[derive(Debug, Args)]
pub(crate) struct HeldArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) record: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DuplicatesArgs {
    #[arg(long)]
    pub(crate) personal: bool,
    #[arg(long, num_args = 2, value_names = ["FIRST", "SECOND"])]
    #[arg(conflicts_with_all = ["different", "open", "personal"])]
    pub(crate) same: Option<Vec<String>>,
    #[arg(long, num_args = 2, value_names = ["FIRST", "SECOND"])]
    #[arg(conflicts_with_all = ["open", "personal"])]
    pub(crate) different: Option<Vec<String>>,
    #[arg(long, num_args = 2, value_names = ["FIRST", "SECOND"])]
    #[arg(conflicts_with = "personal")]
    pub(crate) open: Option<Vec<String>>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PassphraseVerb {
    Set(NewPassphraseArgs),
    Change(NewPassphraseArgs),
    Remove,
}

#[derive(Debug, Args)]
pub(crate) struct NewPassphraseArgs {
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    #[arg(required_unless_present_any = ["device", "all"])]
    pub(crate) record: Option<String>,
    #[arg(long, value_name = "ID", conflicts_with_all = ["record", "all"])]
    pub(crate) device: Option<String>,
    #[arg(long, conflicts_with = "record")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    #[arg(required_unless_present = "condition")]
    pub(crate) records: Vec<String>,
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    pub(crate) condition: Option<String>,
    #[arg(long, value_name = "NAME", requires = "condition")]
    pub(crate) space: Option<String>,
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    #[arg(value_name = "TICKET")]
    pub(crate) ticket: String,
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    #[arg(value_name = "KEY", num_args = 0..)]
    pub(crate) key: Vec<String>,
    #[arg(long, value_name = "ID")]
    pub(crate) community: Option<CommunityId>,
    #[arg(long, value_name = "ID@ADDR")]
    pub(crate) relay: Vec<String>,
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,
    #[arg(long, value_name = "NAME")]
    pub(crate) space: String,
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) record: String,
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) record: String,
    #[arg(value_name = "FIELD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) field: String,
    #[arg(long, value_name = "N", group = "choice", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) pick: Option<u16>,
    #[arg(long, group = "choice")]
    pub(crate) both: bool,
    #[arg(long, value_name = "TEXT", requires = "pick", conflicts_with = "both")]
    pub(crate) reason: Option<String>,
    #[arg(long, value_name = "CODE", requires = "choice")]
    pub(crate) seen: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) record: String,
    #[arg(long)]
    pub(crate) history: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) record: String,
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) name: Option<String>,
    #[arg(long, value_name = "DAY")]
    pub(crate) taken: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AttachmentsArgs {
    #[arg(value_name = "RECORD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) record: String,
}

#[derive(Debug, Args)]
pub(crate) struct SaveAttachmentArgs {
    #[arg(value_name = "ATTACHMENT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) attachment: String,
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[arg(long)]
    pub(crate) preview: bool,
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Vec<String>,
    #[arg(long, value_name = "MEMBER")]
    pub(crate) person: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) due_before: Option<String>,
    #[arg(long, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    #[arg(long)]
    pub(crate) conflicts: bool,
    #[arg(long)]
    pub(crate) past_retention: bool,
    #[arg(long, value_name = "newest|due|day", value_parser = ["newest", "due", "day"], hide_possible_values = true)]
    pub(crate) sort: Option<String>,
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    #[arg(long, value_name = "2026Q3", conflicts_with_all = ["from", "to", "year"])]
    pub(crate) quarter: Option<String>,
    #[arg(long, value_name = "2026", conflicts_with_all = ["from", "to"])]
    pub(crate) year: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "MEMBER")]
    pub(crate) person: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[arg(long, requires = "html")]
    pub(crate) force: bool,
    #[arg(long, requires = "html", conflicts_with = "person")]
    pub(crate) notice: bool,
}

/// What other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    Csv,
    Xlsx,
    Geojson,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[arg(long, value_name = "csv|xlsx|geojson", hide_possible_values = true)]
    #[arg(required_unless_present = "roster")]
    pub(crate) format: Option<ExportFormat>,
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long)]
    pub(crate) personal: bool,
    #[arg(long, conflicts_with_all = ["format", "kind", "space", "personal"])]
    pub(crate) roster: bool,
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    pub(crate) write_mapping: Option<PathBuf>,
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    #[arg(long)]
    pub(crate) skip: bool,
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BundleVerb {
    Export(BundleExportArgs),
    Import(BundleImportArgs),
    Inspect(BundleInspectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BundleExportArgs {
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long = "for", value_name = "MEMBER|DEVICE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reader: Option<String>,
    #[arg(long, value_name = "FILE|MEMBER|DEVICE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) since: Option<String>,
    #[arg(long, value_name = "20MB", value_parser = size)]
    pub(crate) max_size: Option<u64>,
    #[arg(
        long,
        value_enum,
        value_name = "all|previews|none",
        default_value = "all",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) attachments: Along,
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which photos, recordings and papers go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Along {
    All,
    Previews,
    None,
}

#[derive(Debug, Args)]
pub(crate) struct BundleImportArgs {
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BundleInspectArgs {
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CertificateArgs {
    #[arg(long, value_name = "MEMBER")]
    pub(crate) member: String,
    #[arg(long, value_name = "DAY")]
    pub(crate) from: String,
    #[arg(long, value_name = "DAY")]
    pub(crate) to: String,
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyCertificateArgs {
    #[arg(value_name = "FILE|TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) certificate: String,
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    #[arg(long)]
    pub(crate) watch: bool,
    #[arg(long, value_name = "ID@ADDR")]
    pub(crate) relay: Option<String>,
    #[arg(long, value_name = "ADDR|CODE", conflicts_with_all = ["relay", "watch"])]
    pub(crate) peer: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NearbyArgs {
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    #[arg(long)]
    pub(crate) no_mdns: bool,
    #[arg(long)]
    pub(crate) qr: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

/// A name that fits one line of a list.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_line = !name.is_empty() && !name.contains(char::is_control);
    if is_line && name.chars().count() <= NAME_CHARS_MAX {
        Ok(name.to_owned())
    } else {
        Err(format!("1-{NAME_CHARS_MAX}"))
    }
}

/// A size such as `20MB`, of at least what a file of a bundle needs.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 4] = [
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KB", 1_000),
        ("B", 1),
    ];
    let typed = text.trim().to_ascii_uppercase();
    let in_unit = |(unit, bytes): &(&str, u64)| {
        let number = typed.strip_suffix(unit)?.trim_end();
        number.parse::<u64>().ok()?.checked_mul(*bytes)
    };
    let bytes = UNITS
        .iter()
        .find_map(in_unit)
        .or_else(|| typed.parse().ok());
    let bytes = bytes.filter(|bytes| *bytes >= BUNDLE_BYTES_MIN);
    bytes.ok_or_else(|| format!("{}MB", BUNDLE_BYTES_MIN.div_ceil(1_000_000)))
}

/// Reads the arguments. What is printed instead of a command (help, the version, a complaint) has
/// been printed when this returns an exit code.
pub(crate) fn parse(words: &[OsString], text: &Text) -> Result<Cli, ExitCode> {
    let command = localized(Cli::command(), text);
    let result = command
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    result.map_err(|error| {
        let is_json = words.iter().any(|word| word == "--json");
        refuse(&error, text, is_json)
    })
}

/// Puts the words of a language into the command and all below it.
pub(crate) fn localized(command: Command, text: &Text) -> Command {
    let mut command = with_words(command, "help.banyan", text)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .action(ArgAction::Version),
        );
    command = command.mut_args(|arg| arg_with_words(arg, "help.banyan", text));
    let exits = output::exit_table(text);
    let after = text.with("help.banyan.examples", &[("exits", &exits)]);
    command.after_help(after)
}

fn with_words(command: Command, key: &str, text: &Text) -> Command {
    let template = text.with(
        "help.template",
        &[
            ("about", "{about}"),
            ("usage", "{usage}"),
            ("all_args", "{all-args}"),
            ("after", "{after-help}"),
        ],
    );
    let mut command = command
        .about(text.say(key))
        .help_template(template)
        .subcommand_help_heading(text.say("help.heading.commands"))
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .long("help")
                .short('h')
                .action(ArgAction::Help),
        )
        .mut_args(|arg| arg_with_words(arg, key, text))
        .mut_subcommands(|sub| {
            let key = format!("{key}.{}", sub.get_name());
            with_words(sub, &key, text)
        });
    if let Some(examples) = text.find(&format!("{key}.examples")) {
        command = command.after_help(examples.to_owned());
    }
    command
}

fn arg_with_words(arg: Arg, key: &str, text: &Text) -> Arg {
    let heading = if arg.is_positional() {
        "arguments"
    } else {
        "options"
    };
    let heading = text.say(&format!("help.heading.{heading}"));
    let own = format!("{key}.arg.{}", arg.get_id());
    let common = format!("help.arg.{}", arg.get_id());
    let words = text
        .find(&own)
        .or_else(|| text.find(&common))
        .map(str::to_owned);
    // Defaults are said in the help itself, in the reader's words.
    let has_value = arg.get_action().takes_values();
    let arg = arg.help_heading(heading).hide_default_value(has_value);
    match words {
        Some(words) => arg.help(words),
        None => arg,
    }
}

/// Prints help or the version, or says what is wrong with the arguments.
fn refuse(error: &clap::Error, text: &Text, is_json: bool) -> ExitCode {
    if !error.use_stderr() {
        let printed = write!(std::io::stdout().lock(), "{}", error.render());
        return printed
            .map_or_else(|error| Failure::from(error).exit(), |()| Exit::Done)
            .code();
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _gone = write!(std::io::stderr().lock(), "{}", error.render());
        return Exit::Usage.code();
    }
    output::complain(&complaint(error), text, is_json);
    Exit::Usage.code()
}

/// What is wrong with the arguments, as a sentence of ours.
#[expect(clippy::wildcard_enum_match_arm, reason = "clap's enum grows")]
fn complaint(error: &clap::Error) -> Failure {
    use clap::error::ContextKind as Kind;
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let usage = |key: &str| Failure::new(Exit::Usage, key);
    let of = |failure: Failure| failure.with("arg", context(Kind::InvalidArg));
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
            if context(Kind::InvalidValue).is_empty() =>
        {
            of(usage("err.usage.no_value"))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            of(usage("err.usage.bad_value")).with("value", context(Kind::InvalidValue))
        }
        ErrorKind::UnknownArgument => of(usage("err.usage.unknown_argument")),
        ErrorKind::InvalidSubcommand => {
            usage("err.usage.unknown_command").with("command", context(Kind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => usage("err.usage.no_command"),
        ErrorKind::MissingRequiredArgument => of(usage("err.usage.missing")),
        ErrorKind::ArgumentConflict => of(usage("err.usage.twice")),
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            of(usage("err.usage.no_value"))
        }
        _ => usage("err.usage.other").with("reason", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Lang;

    use super::*;

    fn walk(command: &Command, path: &str, check: &mut dyn FnMut(&Command, &str)) {
        check(command, path);
        for sub in command.get_subcommands() {
            walk(sub, &format!("{path} {}", sub.get_name()), check);
        }
    }

    #[test]
    fn command_line_is_sound() {
        localized(Cli::command(), &Text::of(Lang::En)).debug_assert();
    }

    #[test]
    fn every_command_has_words_and_examples_in_both_languages() {
        for lang in [Lang::En, Lang::Zh] {
            let command = localized(Cli::command(), &Text::of(lang));
            walk(&command, "banyan", &mut |command, path| {
                let about = command
                    .get_about()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    !about.is_empty() && !about.starts_with("help."),
                    "{path}: {about}"
                );
                let examples = command.get_after_help().map(ToString::to_string);
                assert!(examples.is_some_and(|text| text.contains(path)), "{path}");
                for arg in command.get_arguments() {
                    assert!(arg.get_help().is_some(), "{path} {}", arg.get_id());
                }
            });
        }
    }
}
