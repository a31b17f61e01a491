//! What is often looked at: lists that everybody has, and those that a person saved.

use sync_core::replica::{Moment, Replica};
use sync_core::store::RowFilter;

use super::{records, rows};
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::saved::{self, NAME_CHARS_MAX, Refused, Saved, VIEWS_MAX};
use crate::console::views::work::{SaveView, SavedView};
use crate::output::thousands;

fn all(cx: &Cx) -> Vec<Saved> {
    cx.dir.as_deref().map_or_else(Vec::new, saved::in_folder)
}

/// The lists above the filters.
pub(super) fn views(replica: &Replica, cx: &Cx, query: &Form) -> Result<Vec<SavedView>, Trouble> {
    let now = saved::query_of(query);
    let is_plain = !query.has(records::LACKED);
    let view = |label: String, query: String, count: String| SavedView {
        label,
        count,
        current: is_plain && query == now,
        href: records::address(&query),
    };
    let mut views = Vec::new();
    for (key, query, filter) in common(replica)? {
        let count = thousands(replica.count(&filter)?);
        views.push(view(cx.say(key), query, count));
    }
    for saved in all(cx) {
        let count = count(replica, cx, &saved)?;
        views.push(view(saved.name, saved.query, count));
    }
    Ok(views)
}

/// Word, query and filter of the lists that everybody has.
type Common = (&'static str, String, RowFilter);

fn common(replica: &Replica) -> Result<Vec<Common>, Trouble> {
    let mine = match replica.roster().member_id(&replica.device()) {
        Some(me) => {
            let filter = RowFilter {
                person: Some(replica.person(me)?),
                ..RowFilter::default()
            };
            Some(("console.view.mine", format!("person={me}"), filter))
        }
        None => None,
    };
    let everything = ("console.view.all", String::new(), RowFilter::default());
    let clashes = (
        "console.view.clash",
        "flag=clash".to_owned(),
        rows::clashing(),
    );
    Ok([everything]
        .into_iter()
        .chain(mine)
        .chain([clashes])
        .collect())
}

/// How many records a saved list has; it may ask for somebody who is not known here any more.
fn count(replica: &Replica, cx: &Cx, saved: &Saved) -> Result<String, Trouble> {
    let query = Form::read(saved.query.as_bytes());
    match records::narrow::filter(replica, cx, &query) {
        Ok(filter) => Ok(thousands(replica.count(&filter)?)),
        Err(Trouble::Missing) => Ok("–".to_owned()),
        Err(trouble @ Trouble::Failed(_)) => Err(trouble),
    }
}

/// What can be done with the list that is shown: saved under a name, or taken from the saved ones.
pub(super) fn save_view(cx: &Cx, query: &Form, refused: Option<(&str, Refused)>) -> SaveView {
    let now = saved::query_of(query);
    let known = all(cx).into_iter().find(|saved| saved.query == now);
    let error = refused.map_or_else(String::new, |(_, refused)| sentence(cx, refused));
    SaveView {
        can_save: refused.is_some()
            || known.is_none() && !now.is_empty() && !query.has(records::LACKED),
        can_remove: known.is_some(),
        remove: known.map_or_else(String::new, |saved| {
            cx.with("console.view.remove", &[("name", &saved.name)])
        }),
        query: now,
        typed: refused.map_or_else(String::new, |(typed, _)| typed.to_owned()),
        has_error: refused.is_some(),
        error,
        most: NAME_CHARS_MAX,
    }
}

fn sentence(cx: &Cx, refused: Refused) -> String {
    match refused {
        Refused::Name => {
            let n = NAME_CHARS_MAX.to_string();
            cx.with("console.view.bad_name", &[("n", &n)])
        }
        Refused::Taken => cx.say("console.view.taken"),
        Refused::Known => cx.say("console.view.known"),
        Refused::Query => cx.say("console.view.no_filter"),
        Refused::Full => {
            let n = VIEWS_MAX.to_string();
            cx.with("console.view.full", &[("n", &n)])
        }
    }
}

/// Saves the list that a form asks for.
pub(in crate::console) fn save(
    replica: &mut Replica,
    _moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let dir = cx.dir.as_deref().ok_or(Trouble::Missing)?;
    let typed = form.get("name");
    let query = Form::read(form.get("query").as_bytes());
    let written = saved::query_of(&query);
    match saved::with(all(cx), typed, &written) {
        Ok(all) => {
            saved::keep(dir, &all)?;
            let line = cx.with("console.view.saved", &[("name", typed.trim())]);
            Ok(Answer::done(records::address(&written), line))
        }
        Err(refused) => {
            let page: Shown = records::page(replica, cx, &query, Some((typed, refused)))?;
            Ok(Answer::Again(page.refused()))
        }
    }
}

/// Takes the list that a form asks for from the saved ones. The records stay as they are.
pub(in crate::console) fn remove(
    _replica: &mut Replica,
    _moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let dir = cx.dir.as_deref().ok_or(Trouble::Missing)?;
    let mut all = all(cx);
    all.retain(|saved| saved.query != form.get("query"));
    saved::keep(dir, &all)?;
    let to = records::address(form.get("query"));
    Ok(Answer::done(to, cx.say("console.view.removed")))
}
