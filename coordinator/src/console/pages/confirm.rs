//! Asking again before something that is not taken back, for browsers without script.

use crate::console::answer::{Answer, Shown};
use crate::console::cx::Cx;
use crate::console::form::Form;
use crate::console::views::places::Confirm;
use crate::console::views::shared::Choice;

/// The name by which a form says that its person was asked.
const CONFIRMED: &str = "confirmed";
/// Names that every form has anew.
const OF_EVERY_FORM: [&str; 3] = ["csrf", "back", CONFIRMED];

pub(super) fn is_confirmed(form: &Form) -> bool {
    form.get(CONFIRMED) == "yes"
}

/// What is asked before something is done.
pub(super) struct Question {
    /// Which place of the menu it belongs to.
    pub(super) section: &'static str,
    /// "Remove 陈小明 from the community?"
    pub(super) title: String,
    /// What will happen.
    pub(super) points: Vec<String>,
    /// What the button says that does it.
    pub(super) yes: String,
}

/// Shows the question; the button sends the same form once more.
pub(super) fn ask(cx: &Cx, form: &Form, question: Question) -> Answer {
    let typed = form
        .pairs()
        .filter(|(name, _)| !OF_EVERY_FORM.contains(name));
    let hidden = typed.map(|(name, value)| Choice {
        value: name.to_owned(),
        label: value.to_owned(),
        on: false,
    });
    let page = Confirm {
        title: question.title,
        points: question.points,
        action: cx.asked.address(),
        hidden: hidden.collect(),
        yes: question.yes,
    };
    Answer::Again(Shown::new(question.section, "", page))
}
