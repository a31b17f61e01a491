//! How this device shows things, and which relays it knows.

use axum::response::Response;
use sync_core::replica::{Moment, Replica};
use sync_core::roster::role::Role;
use sync_core::roster::ticket::RelayAddr;

use super::more;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble, highest_role};
use crate::console::form::Form;
use crate::console::hall::Hall;
use crate::console::prefs::Prefs;
use crate::console::views::shared::{Choice, Input, Labelled, Notice};
use crate::console::views::station::Settings;
use crate::failure::Failure;

/// A choice of looks: its name, and its values with their words.
type Look = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const LOOKS: [Look; 3] = [
    (
        "lang",
        "console.settings.lang",
        &[("zh", "console.settings.zh"), ("en", "console.settings.en")],
    ),
    (
        "text",
        "console.settings.text",
        &[
            ("normal", "console.settings.text_normal"),
            ("large", "console.settings.text_large"),
        ],
    ),
    (
        "theme",
        "console.settings.theme",
        &[
            ("auto", "console.settings.theme_auto"),
            ("light", "console.settings.theme_light"),
            ("dark", "console.settings.theme_dark"),
        ],
    ),
];

#[expect(clippy::unnecessary_wraps, reason = "all pages are made alike")]
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    Ok(page(replica, cx, None))
}

fn page(replica: &Replica, cx: &Cx, refused: Option<(&str, String)>) -> Shown {
    let relays = replica.relays().iter().map(|relay| Labelled {
        label: relay.addr.clone(),
        meta: relay.relay.to_string(),
    });
    let settings = Settings {
        lead: cx.say("console.settings.lead"),
        notices: notices(replica, cx),
        inputs: LOOKS.iter().map(|look| input(cx, look)).collect(),
        relays: relays.collect(),
        relay_typed: refused
            .as_ref()
            .map_or_else(String::new, |(typed, _)| (*typed).to_owned()),
        has_relay_error: refused.is_some(),
        relay_error: refused.map_or_else(String::new, |(_, error)| error),
        links: more::from_settings(cx),
        about: format!(
            "banyan {} · {}",
            env!("CARGO_PKG_VERSION"),
            replica.community()
        ),
    };
    Shown::new("settings", "", settings)
}

/// Reminds those who look after the community of the recovery sheet.
fn notices(replica: &Replica, cx: &Cx) -> Vec<Notice> {
    if highest_role(replica) < Some(Role::Coordinator) {
        return Vec::new();
    }
    let alone = replica.is_alone_at_top().then(|| Notice {
        tone: "warn".to_owned(),
        icon: "warn".to_owned(),
        text: cx.say("console.notice.alone"),
    });
    let sheet = Notice {
        tone: "info".to_owned(),
        icon: "key".to_owned(),
        text: cx.say("console.settings.sheet"),
    };
    alone.into_iter().chain([sheet]).collect()
}

fn input(cx: &Cx, (name, label, values): &Look) -> Input {
    let chosen = match *name {
        "lang" => match cx.text.lang() {
            sync_core::schema::Lang::Zh => "zh",
            sync_core::schema::Lang::En => "en",
        },
        "text" => cx.prefs.text.as_str(),
        _ => cx.prefs.theme.as_str(),
    };
    let options = values.iter().map(|(value, key)| Choice {
        value: (*value).to_owned(),
        label: cx.say(key),
        on: *value == chosen,
    });
    Input {
        name: (*name).to_owned(),
        label: cx.say(label),
        input: "choice".to_owned(),
        group: true,
        options: options.collect(),
        ..Input::default()
    }
}

/// The looks that a form chooses; what it does not say, or says otherwise than we know, stays.
pub(in crate::console) fn chosen(form: &Form, mut prefs: Prefs) -> Prefs {
    for (name, _, values) in LOOKS {
        let typed = form.get(name);
        if !values.iter().any(|(value, _)| *value == typed) {
            continue;
        }
        let kept = match name {
            "lang" => &mut prefs.lang,
            "text" => &mut prefs.text,
            _ => &mut prefs.theme,
        };
        typed.clone_into(kept);
    }
    prefs
}

/// Said after the looks have been kept, in the language that was chosen.
#[expect(clippy::unnecessary_wraps, reason = "all forms are answered alike")]
pub(in crate::console) fn looks_kept(
    _replica: &mut Replica,
    _moment: &mut Moment<'_>,
    cx: &Cx,
    _form: &Form,
) -> Result<Answer, Trouble> {
    Ok(Answer::done("/settings", cx.say("console.saved")))
}

/// The file could not be written.
pub(in crate::console) fn not_kept(hall: &Hall, failure: &Failure) -> Response {
    let (_, text) = hall.looks();
    hall.bare(&super::notices::not_kept(&text, failure))
}

/// One more relay.
pub(in crate::console) fn add_relay(
    replica: &mut Replica,
    _moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let typed = form.get("relay").trim();
    let relay = match typed.parse::<RelayAddr>() {
        Ok(relay) => relay,
        Err(error) => {
            let error = cx.sentence(&Failure::from(error));
            return Ok(Answer::Again(
                page(replica, cx, Some((typed, error))).refused(),
            ));
        }
    };
    replica.know_relay(&relay)?;
    Ok(Answer::done(
        "/settings",
        cx.say("console.settings.relay_added"),
    ))
}
