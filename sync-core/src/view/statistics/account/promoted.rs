//! Volunteers who became leads: from the roster, not from rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Question;
use crate::id::{LaneId, MemberId};

/// Members who were given a leading role and held a lower one: what the roster says, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Promoted {
    /// How many different members.
    pub total: u64,
    /// Of them, those whose role was given by a version that did not say when: counted only where no time
    /// is asked for.
    pub undated: u64,
    /// By the space that the role is for; `community` where it is for all.
    pub by_space: BTreeMap<String, u64>,
    /// By month, `YYYY-MM`.
    pub by_month: BTreeMap<String, u64>,
}

/// A role of a lead or above, given to somebody who held a lower one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// To whom.
    pub member: MemberId,
    /// For which space; none: the whole community.
    pub space: Option<LaneId>,
    /// On which day by the one clock of the country, `YYYY-MM-DD`; none if it does not say.
    pub day: Option<String>,
}

impl Promoted {
    pub(super) fn of(promotions: &[Promotion], question: &Question) -> Self {
        let is_timed = question.from.is_some() || question.to.is_some();
        let is_asked = |it: &&Promotion| {
            let person = question.person.as_ref();
            person.is_none_or(|person| person.member == it.member)
                && (question.space.is_none() || question.space == it.space)
                && match it.day.as_deref() {
                    Some(day) => {
                        question.from.as_deref().is_none_or(|from| from <= day)
                            && question.to.as_deref().is_none_or(|to| day <= to)
                    }
                    None => !is_timed,
                }
        };
        let mut all: BTreeSet<MemberId> = BTreeSet::new();
        let mut dated: BTreeSet<MemberId> = BTreeSet::new();
        let mut by_space: BTreeMap<String, BTreeSet<MemberId>> = BTreeMap::new();
        let mut by_month: BTreeMap<String, BTreeSet<MemberId>> = BTreeMap::new();
        for it in promotions.iter().filter(is_asked) {
            all.insert(it.member);
            let space = it
                .space
                .map_or_else(|| "community".to_owned(), |id| id.to_string());
            by_space.entry(space).or_default().insert(it.member);
            if let Some(month) = it.day.as_deref().and_then(|day| day.get(..7)) {
                dated.insert(it.member);
                by_month
                    .entry(month.to_owned())
                    .or_default()
                    .insert(it.member);
            }
        }
        let counted = |sets: BTreeMap<String, BTreeSet<MemberId>>| {
            let sets = sets.into_iter();
            sets.map(|(key, set)| (key, set.len() as u64)).collect()
        };
        Self {
            total: all.len() as u64,
            undated: all.difference(&dated).count() as u64,
            by_space: counted(by_space),
            by_month: counted(by_month),
        }
    }
}
