//! What is done on a member's page: a role given or taken away, the member removed.

use sync_core::replica::{Moment, Removal, Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};

use super::super::confirm::{self, Question};
use super::super::cut;
use super::{Granting, href, open, page};
use crate::commands::grant::said;
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::failure::Failure;
use crate::values;

/// The role that a form names, and where it holds.
pub(in crate::console::pages) fn right(form: &Form) -> Result<(Role, Scope), Trouble> {
    let role = form.get("role").parse().map_err(|_| Trouble::Missing)?;
    let space = form.get("space");
    let scope = if space.is_empty() {
        Scope::Community
    } else {
        Scope::Space(space.parse().map_err(|_| Trouble::Missing)?)
    };
    Ok((role, scope))
}

/// Gives a role, as `banyan grant` does.
pub(in crate::console) fn grant(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let (role, scope) = right(form)?;
    let is_new = match replica.grant(open.id, scope, role, moment) {
        Ok(is_new) => is_new,
        Err(error @ ReplicaError::NotAllowed { .. }) => {
            let refused = Granting {
                role: form.get("role").to_owned(),
                space: form.get("space").to_owned(),
                error: cx.sentence(&Failure::from(error)),
            };
            let again = page(replica, cx, &open, &refused)?;
            return Ok(Answer::Again(again.refused()));
        }
        Err(error) => return Err(error.into()),
    };
    let space = values::scope_words(replica, &scope, &cx.text);
    let role = cx.say(&format!("word.role.{}", role.name()));
    let line = said(&cx.text, (&open.name, &role, &space), is_new);
    Ok(Answer::done(href(&open.view.id), line))
}

/// Takes a role away, as `banyan revoke MEMBER --role` does.
pub(in crate::console) fn take_role(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let (role, scope) = right(form)?;
    let removal = Removal::Role(open.id, scope, role);
    cut::cut_off(replica, moment, cx, &removal, href(&open.view.id))
}

/// Removes a member, as `banyan revoke MEMBER` does.
pub(in crate::console) fn remove(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if !confirm::is_confirmed(form) {
        let name = [("name", open.name.as_str())];
        let rest = [
            "console.member.rem2",
            "console.member.rem3",
            "console.member.rem4",
        ];
        let kept = cx.with("console.member.remove_kept", &name);
        let question = Question {
            section: "members",
            title: cx.with("console.member.remove_ask", &name),
            points: std::iter::once(kept)
                .chain(rest.map(|key| cx.say(key)))
                .collect(),
            yes: cx.say("console.member.remove_yes"),
        };
        return Ok(confirm::ask(cx, form, question));
    }
    let removal = Removal::Member(open.id);
    cut::cut_off(replica, moment, cx, &removal, href(&open.view.id))
}
