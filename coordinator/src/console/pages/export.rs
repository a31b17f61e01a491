//! Records as a file: which, in which form, with what is personal or without.

use sync_core::id::LaneId;
use sync_core::replica::Replica;
use sync_core::roster::role::Role;
use sync_core::schema::Group;

use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble, highest_role};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::views::exchange::Export;
use crate::console::views::shared::Choice;
use crate::exchange::export::{Names, Request, csv_zip_of, gather, map_of, workbook_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place;
use crate::text::Text;

/// Value of the form, ending of the file, what browsers call it, label.
const FORMATS: [(&str, &str, &str, &str); 3] = [
    (
        "xlsx",
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "console.export.xlsx",
    ),
    // A table comes with what is to be said about it, and so in an archive.
    ("csv", "zip", "application/zip", "console.export.csv"),
    (
        "geojson",
        "geojson",
        "application/geo+json",
        "console.export.geojson",
    ),
];

/// A file that the browser keeps.
pub(in crate::console) struct File {
    pub(in crate::console) name: String,
    pub(in crate::console) media: &'static str,
    pub(in crate::console) bytes: Vec<u8>,
}

#[expect(clippy::unnecessary_wraps, reason = "all pages are made alike")]
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    Ok(page(replica, cx, &cx.asked.query, None))
}

/// The form again, with why there is no file.
pub(in crate::console) fn again(
    replica: &Replica,
    cx: &Cx,
    form: &Form,
    failure: &Failure,
) -> Answer {
    let error = Some(cx.sentence(failure));
    Answer::Again(page(replica, cx, form, error).refused())
}

fn page(replica: &Replica, cx: &Cx, form: &Form, error: Option<String>) -> Shown {
    let choice = |name: &str, value: &str, label: String| Choice {
        on: form.get(name) == value,
        value: value.to_owned(),
        label,
    };
    let groups = Group::ALL.into_iter();
    let kinds = groups.flat_map(|group| replica.schema().kinds_in(group));
    let kinds = kinds.map(|kind| {
        let label = kind.label(cx.text.lang()).to_owned();
        choice("kind", kind.name(), label)
    });
    let all_kinds = choice("kind", "", cx.say("console.export.all_kinds"));
    let spaces = fields::spaces(replica).into_iter().map(|space| {
        let label = fields::space_label(cx, &replica.space_name(&space));
        choice("space", &space.to_string(), label)
    });
    let all_spaces = choice("space", "", cx.say("console.export.all_spaces"));
    let formats = FORMATS.iter().map(|(value, _, _, label)| Choice {
        on: form.get("format") == *value || (!form.has("format") && *value == "xlsx"),
        value: (*value).to_owned(),
        label: cx.say(label),
    });
    let page = Export {
        kinds: std::iter::once(all_kinds).chain(kinds).collect(),
        spaces: std::iter::once(all_spaces).chain(spaces).collect(),
        formats: formats.collect(),
        personal: form.get("personal") == "yes",
        may_personal: highest_role(replica) >= Some(Role::Lead),
        has_error: error.is_some(),
        error: error.unwrap_or_default(),
    };
    Shown::new("export", "", page)
}

/// Makes the file that a form asks for.
pub(in crate::console) fn file(
    replica: &Replica,
    form: &Form,
    text: &Text,
) -> Result<File, Failure> {
    let unknown = || Failure::new(Exit::Usage, "err.export.nothing");
    let kind = form.get("kind");
    let kind = (!kind.is_empty()).then(|| replica.schema().kind(kind).ok_or_else(unknown));
    let space = form.get("space");
    let space = (!space.is_empty()).then(|| space.parse::<LaneId>().map_err(|_| unknown()));
    let personal = form.get("personal") == "yes";
    let request = Request {
        kind: kind.transpose()?,
        space: space.transpose()?,
        personal,
    };
    let mut formats = FORMATS.iter();
    let format = formats.find(|(value, ..)| *value == form.get("format"));
    let (value, ending, media, _) = format.ok_or_else(unknown)?;
    let mut gathered = gather(replica, request, place::now(), text)?;
    if gathered.kinds.is_empty() {
        return Err(Failure::new(Exit::Unknown, "err.export.nothing"));
    }
    let names = Names::new(replica, text, personal);
    let about = &mut gathered.about;
    let bytes = match *value {
        "csv" => csv_zip_of(&gathered.kinds, about, names)?,
        "geojson" => map_of(&gathered.kinds, about, names)?,
        _xlsx => workbook_of(&gathered.kinds, about, names)?,
    };
    let what = request.kind.map_or("records", |kind| kind.name());
    Ok(File {
        name: format!("banyan-{what}.{ending}"),
        media,
        bytes,
    })
}
