//! What there is to look at in a community that `banyan demo` made.

use sync_core::replica::{Moment, Replica};
use sync_core::store::RowFilter;

use super::rows;
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::shell;
use crate::console::tour::Tour;
use crate::console::views::shared::Step;

/// A thing to look at: picture, what it is called, what is seen there, the place of the menu that it is in,
/// and what follows the address of that place.
type Sight = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const REVIEW: Sight = (
    "review",
    "console.tour.review",
    "console.tour.review_text",
    "records",
    "?flag=review",
);
const HELD: Sight = (
    "held",
    "console.tour.held",
    "console.tour.held_text",
    "held",
    "",
);
const ALWAYS: [Sight; 5] = [
    (
        "sync",
        "console.tour.ticks",
        "console.tour.ticks_text",
        "sync",
        "",
    ),
    (
        "session",
        "console.tour.session",
        "console.tour.session_text",
        "session",
        "",
    ),
    (
        "chart",
        "console.tour.report",
        "console.tour.report_text",
        "reports",
        "",
    ),
    (
        "home",
        "console.tour.visits",
        "console.tour.visits_text",
        "records",
        "?kind=visit",
    ),
    (
        "audit",
        "console.tour.audit",
        "console.tour.audit_text",
        "audit",
        "",
    ),
];

/// What this community's demonstration is, if one made it.
pub(super) fn of(cx: &Cx) -> Option<Tour> {
    cx.dir.as_deref().and_then(Tour::in_folder)
}

/// What is there to be seen; what has been dealt with is not there any more.
pub(super) fn steps(replica: &Replica, cx: &Cx) -> Result<Vec<Step>, Trouble> {
    let clash = RowFilter {
        only_conflicts: true,
        limit: Some(1),
        ..RowFilter::default()
    };
    let clash = replica.list(&clash)?;
    let clash = clash.first().map(|row| Step {
        icon: "clash".to_owned(),
        label: cx.say("console.tour.clash"),
        detail: cx.say("console.tour.clash_text"),
        href: rows::href(row),
        done: false,
    });
    let has_review = replica.count(&rows::to_review(replica)?)? > 0;
    let has_held = replica.status()?.held > 0;
    let waiting = [(has_review, &REVIEW), (has_held, &HELD)];
    let waiting = waiting.into_iter().filter(|(is_there, _)| *is_there);
    let sights = waiting.map(|(_, sight)| sight).chain(&ALWAYS);
    let steps = sights.filter_map(|sight| step(cx, sight));
    Ok(clash.into_iter().chain(steps).collect())
}

/// A sight in a place that the menu has.
fn step(cx: &Cx, (icon, label, text, section, query): &Sight) -> Option<Step> {
    let place = shell::place_of(section)?;
    Some(Step {
        icon: (*icon).to_owned(),
        label: cx.say(label),
        detail: cx.say(text),
        href: format!("{place}{query}"),
        done: false,
    })
}

/// Puts it away, or shows it again.
pub(in crate::console) fn choose(
    _replica: &mut Replica,
    _moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let dir = cx
        .dir
        .as_deref()
        .filter(|dir| Tour::in_folder(dir).is_some());
    let dir = dir.ok_or(Trouble::Missing)?;
    let is_put_away = form.get("do") == "away";
    Tour { is_put_away }.keep(dir)?;
    Ok(Answer::Go {
        to: "/today".to_owned(),
        flash: None,
    })
}
