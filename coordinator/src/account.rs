//! The station's account as people and programs get it: by `banyan report`, by the page and on paper.
//!
//! All three gather it here, so that they never say different numbers. What is the same on every device
//! ([`Gathered::numbers`]) is kept apart from what only this device knows: how far others were heard from,
//! what is not sealed yet, and what its reader may see.

pub(crate) mod period;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sync_core::id::{MemberId, Millis};
use sync_core::replica::{AsOf, Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::view::statistics::Question;
use sync_core::view::statistics::account::{Account, Figure, People, Spread};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::thousands;
use crate::text::Text;

/// Who has said nothing for so long is named beside the numbers.
const QUIET_MILLIS: i64 = 7 * 86_400_000;
/// The digits of the digest that people compare.
const DIGEST_SHOWN: usize = 16;

/// Whose figures somebody may see by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    /// Everybody's: they lead the space that is asked for, or the whole community.
    Everybody,
    /// Their own.
    Own(Option<MemberId>),
}

impl Sees {
    /// What this device's person may see of a question.
    pub(crate) fn of(replica: &Replica, question: &Question) -> Self {
        let scope = question.space.map_or(Scope::Community, Scope::Space);
        let roster = replica.roster();
        if roster.role_in(&replica.device(), &scope) >= Some(Role::Lead) {
            Self::Everybody
        } else {
            Self::Own(roster.member_id(&replica.device()))
        }
    }

    /// Whether a member's figures may be seen.
    pub(crate) fn may(self, member: &MemberId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Own(own) => own.as_ref() == Some(member),
        }
    }
}

/// The account, with what is beside it.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) question: Question,
    pub(crate) account: Account,
    /// Figures of the members whom the reader may see.
    pub(crate) people: People,
    pub(crate) as_of: AsOf,
    /// Entries of this device that are in the numbers and that the digest does not name yet.
    pub(crate) pending: u64,
    pub(crate) at: Millis,
}

/// Counts what a question asks, now.
///
/// A member's own figures are refused to whoever may not see them.
pub(crate) fn gather(
    replica: &Replica,
    question: Question,
    now: Millis,
) -> Result<Gathered, Failure> {
    let sees = Sees::of(replica, &question);
    let asked = question.person.as_ref();
    if asked.is_some_and(|person| !sees.may(&person.member)) {
        return Err(Failure::new(Exit::NotAllowed, "err.report.person"));
    }
    let (account, mut people) = replica.account(&question)?;
    for figures in people.0.values_mut() {
        figures.retain(|id, _| id.parse().is_ok_and(|id: MemberId| sees.may(&id)));
    }
    people.0.retain(|_, figures| !figures.is_empty());
    Ok(Gathered {
        as_of: replica.as_of(Millis(now.0 - QUIET_MILLIS))?,
        pending: replica.pending_count()?,
        at: now,
        question,
        account,
        people,
    })
}

impl Gathered {
    /// The part that is the same bytes on every device with the same digest of heads and nothing pending.
    fn numbers(&self) -> Value {
        let Question {
            from,
            to,
            space,
            person,
        } = &self.question;
        json!({
            "question": {
                "from": from,
                "to": to,
                "space": space.map(|id| id.to_string()),
                "person": person.as_ref().map(|person| person.member.to_string()),
            },
            "account": self.account,
        })
    }

    /// All of it for programs.
    pub(crate) fn as_json(&self, replica: &Replica) -> Value {
        let missing = self.as_of.missing.iter().map(|it| {
            json!({
                "member": it.member.to_string(),
                "name": it.name,
                "heard_at": it.heard_at.map(|at| at.0),
            })
        });
        let spaces = replica.roster().spaces().keys();
        let spaces: serde_json::Map<String, Value> = spaces
            .map(|id| (id.to_string(), replica.space_name(id).into()))
            .collect();
        json!({
            "numbers": self.numbers(),
            "spaces": spaces,
            "people": self.people,
            "as_of": {
                "at": self.at.0,
                "digest": HEXLOWER.encode(&self.as_of.digest.0),
                "pending": self.pending,
                "members": self.as_of.members,
                "heard": self.as_of.heard,
                "missing": missing.collect::<Vec<_>>(),
            },
        })
    }

    /// The beginning of the digest, for people who compare two reports.
    pub(crate) fn short_digest(&self) -> String {
        let digest = HEXLOWER.encode(&self.as_of.digest.0);
        digest.chars().take(DIGEST_SHOWN).collect()
    }

    /// The figure of this name.
    pub(crate) fn figure(&self, name: &str) -> Figure {
        self.account.figures.get(name).cloned().unwrap_or_default()
    }

    /// The figure's total in words.
    pub(crate) fn total(&self, name: &str) -> String {
        amount(name, self.figure(name).total)
    }

    /// The parts of some figures, by what they are divided by, in order.
    pub(crate) fn table(
        &self,
        columns: &[&str],
        parts: fn(&Figure) -> &std::collections::BTreeMap<String, i64>,
    ) -> Vec<(String, Vec<i64>)> {
        let figures: Vec<Figure> = columns.iter().map(|name| self.figure(name)).collect();
        let keys = figures.iter().flat_map(|figure| parts(figure).keys());
        let keys: std::collections::BTreeSet<String> = keys.cloned().collect();
        keys.into_iter()
            .map(|key| {
                let cells = figures.iter().map(|figure| parts(figure).get(&key));
                let cells = cells.map(|cell| cell.copied().unwrap_or(0)).collect();
                (key, cells)
            })
            .collect()
    }

    /// The same by member; whom the reader may not see is not there.
    pub(crate) fn table_of_people(&self, columns: &[&str]) -> Vec<(String, Vec<i64>)> {
        let of = |name: &str| self.people.0.get(name);
        let ids = columns.iter().filter_map(|name| of(name));
        let ids: std::collections::BTreeSet<&String> = ids.flat_map(|it| it.keys()).collect();
        ids.into_iter()
            .map(|id| {
                let cells = columns.iter().map(|name| of(name)?.get(id).copied());
                let cells = cells.map(|cell| cell.unwrap_or(0)).collect();
                (id.clone(), cells)
            })
            .collect()
    }

    /// Up to when the numbers go and who is not in them, in sentences.
    pub(crate) fn as_of_lines(&self, replica: &Replica, text: &Text, when: &str) -> Vec<String> {
        let (n, m) = (&self.as_of.heard, &self.as_of.members);
        let (n, m) = (thousands(*n as u64), thousands(*m as u64));
        let places = [("when", when), ("n", &n), ("m", &m)];
        let mut lines = vec![text.with("out.report.as_of", &places)];
        lines.push(self.digest_line(text));
        if !self.as_of.missing.is_empty() {
            let missing: Vec<MemberId> = self.as_of.missing.iter().map(|it| it.member).collect();
            let who = crate::commands::fresh::names(replica, &missing, text);
            lines.push(text.with("out.report.missing", &[("who", &who)]));
        }
        lines.extend(self.pending_line(text));
        lines
    }

    /// By what people compare two reports.
    pub(crate) fn digest_line(&self, text: &Text) -> String {
        text.with("out.report.digest", &[("digest", &self.short_digest())])
    }

    /// What the digest does not name yet.
    pub(crate) fn pending_line(&self, text: &Text) -> Option<String> {
        (self.pending > 0).then(|| text.count("out.report.pending", self.pending))
    }

    /// What is told in sentences: waits, tasks on time, who became a lead.
    pub(crate) fn told(&self, text: &Text) -> Vec<(String, String)> {
        let label = |name: &str| text.say(&format!("report.what.{name}"));
        let on_time = &self.account.on_time;
        let places = [
            ("n", thousands(on_time.on_time)),
            ("m", thousands(on_time.with_due)),
        ];
        let places = places.each_ref().map(|(name, n)| (*name, n.as_str()));
        vec![
            (
                label("need_days"),
                spread(&self.account.waits.need_days, "out.report.days", text),
            ),
            (
                label("review_hours"),
                spread(&self.account.waits.review_hours, "out.report.hours", text),
            ),
            (label("on_time"), text.with("out.report.of", &places)),
            (label("promoted"), self.promoted(text)),
            (label("active"), thousands(self.account.active)),
        ]
    }

    fn promoted(&self, text: &Text) -> String {
        let promoted = &self.account.promoted;
        let total = thousands(promoted.total);
        if promoted.undated == 0 {
            return total;
        }
        let undated = text.count("out.report.undated", promoted.undated);
        format!("{total} {undated}")
    }
}

fn spread(spread: &Spread, key: &str, text: &Text) -> String {
    if spread.count == 0 {
        return text.say("out.report.no_waits");
    }
    let numbers = [spread.median, spread.p90, spread.count].map(thousands);
    let [median, p90, count] = &numbers;
    text.with(key, &[("median", median), ("p90", p90), ("n", count)])
}

/// A number as people read it: minutes as hours with one decimal.
pub(crate) fn amount(name: &str, number: i64) -> String {
    let is_negative = number < 0;
    let number = number.unsigned_abs();
    let shown = if name.starts_with("minutes_") {
        // Half a tenth and more is a tenth.
        let tenths = number.saturating_add(3) / 6;
        format!("{}.{}", thousands(tenths / 10), tenths % 10)
    } else {
        thousands(number)
    };
    if is_negative {
        format!("-{shown}")
    } else {
        shown
    }
}

/// The person of a question.
pub(crate) fn person(
    replica: &Replica,
    typed: &str,
) -> Result<sync_core::store::Person, ReplicaError> {
    replica.person(replica.find_member(typed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_read_as_hours_and_all_else_as_it_is() {
        assert_eq!(amount("minutes_confirmed", 12_870), "214.5");
        assert_eq!(amount("minutes_claimed", 20), "0.3");
        assert_eq!(amount("minutes_claimed", 57), "1.0");
        assert_eq!(amount("visits", 1_234), "1,234");
        assert_eq!(amount("attendance", -2), "-2");
    }
}
