//! What there is to look at in a community that `banyan demo` made.

use sync_core::replica::{Moment, Replica};
use sync_core::store::RowFilter;

use super::rows;
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::places::{self, AUDIT, Place, RECORDS, REPORTS, SESSION, SYNC};
use crate::console::tour::Tour;
use crate::console::views::shared::Step;

/// A thing to look at: picture, what it is called, what is seen there, and where: a place of the console and
/// what follows its address.
type Sight = (
    &'static str,
    &'static str,
    &'static str,
    Place,
    &'static str,
);

const REVIEW: Sight = (
    "review",
    "console.tour.review",
    "console.tour.review_text",
    RECORDS,
    "?flag=review",
);
const HELD: Sight = (
    "held",
    "console.tour.held",
    "console.tour.held_text",
    places::HELD,
    "",
);
const ALWAYS: [Sight; 5] = [
    (
        "sync",
        "console.tour.ticks",
        "console.tour.ticks_text",
        SYNC,
        "",
    ),
    (
        "session",
        "console.tour.session",
        "console.tour.session_text",
        SESSION,
        "",
    ),
    (
        "chart",
        "console.tour.report",
        "console.tour.report_text",
        REPORTS,
        "",
    ),
    (
        "home",
        "console.tour.visits",
        "console.tour.visits_text",
        RECORDS,
        "?kind=visit",
    ),
    (
        "audit",
        "console.tour.audit",
        "console.tour.audit_text",
        AUDIT,
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
        limit: Some(1),
        ..rows::clashing()
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
    let steps = sights.map(|sight| step(cx, sight));
    Ok(clash.into_iter().chain(steps).collect())
}

fn step(cx: &Cx, (icon, label, text, place, query): &Sight) -> Step {
    Step {
        icon: (*icon).to_owned(),
        label: cx.say(label),
        detail: cx.say(text),
        href: format!("{}{query}", place.href()),
        done: false,
    }
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
