//! Taking rights away, as `banyan revoke` does.

use sync_core::id::MemberId;
use sync_core::replica::{Moment, Removal, Replica};

use crate::commands::revoke;
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};

/// Takes them away and says what of it was written later and is held.
pub(super) fn cut_off(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    removal: &Removal,
    to: String,
) -> Result<Answer, Trouble> {
    let what = revoke::named(replica, removal, &cx.text);
    let done = replica.revoke(removal, moment)?;
    let mut line = cx.with("out.revoke.done", &[("what", &what)]);
    if done.tally.held > 0 {
        line.push(' ');
        line.push_str(&cx.count("console.cut.held", done.tally.held));
    }
    Ok(Answer::done(to, line))
}

/// Whether this person stands above another in one of their roles.
pub(super) fn is_above(replica: &Replica, member: &MemberId) -> bool {
    let (roster, us) = (replica.roster(), replica.device());
    let known = roster.members().get(member);
    let mut roles = known.into_iter().flat_map(|known| &known.roles);
    roles.any(|(scope, role)| roster.may_act(&us, scope, *role))
}
