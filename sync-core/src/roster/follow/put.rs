//! A part that was settled again takes the place of what it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{DeviceId, MemberId};
use crate::roster::book::Book;
use crate::roster::epochs::{EpochInfo, Which};
use crate::roster::follow::change::Change;
use crate::roster::follow::part::Part;
use crate::roster::statement::Statement;
use crate::roster::subject::Subject;
use crate::roster::{Member, Roster, Said};

/// A part as it was, or as it is settled now, and what is otherwise.
struct Exchange<'a> {
    settled: Roster,
    change: Change,
    members: BTreeMap<MemberId, Member>,
    epochs: BTreeMap<Which, Option<EpochInfo>>,
    said: &'a [&'a Said],
}

impl Roster {
    /// Takes over what a part has come to; says what was otherwise.
    pub(super) fn put_part(
        &mut self,
        book: &Book,
        part: &Part,
        said: &[&Said],
        settled: Self,
    ) -> Change {
        let mut exchange = Exchange {
            settled,
            change: Change::default(),
            members: BTreeMap::new(),
            epochs: BTreeMap::new(),
            said,
        };
        for subject in part.subjects() {
            self.put_subject(book, subject, &mut exchange);
        }
        self.put_members(&mut exchange);
        self.put_statements(&mut exchange);
        self.put_epochs(&mut exchange);
        exchange.change
    }

    fn put_subject(&mut self, book: &Book, subject: Subject, exchange: &mut Exchange<'_>) {
        let (settled, change) = (&mut exchange.settled, &mut exchange.change);
        match subject {
            Subject::Device(id) => self.put_device(id, exchange),
            Subject::Ticket(_) => {
                for Said { id, .. } in book.about(subject) {
                    let new = settled.invites.remove(id);
                    put(&mut self.invites, *id, new, &mut change.invites);
                }
            }
            Subject::Log(log) => {
                let new = settled.verdicts.remove(&log);
                put(&mut self.verdicts, log, new, &mut change.verdicts);
            }
            Subject::Epoch(space, epoch) => {
                let key = (space, epoch);
                exchange.epochs.insert(key, self.epochs.remove(&key));
            }
            Subject::Erasures => {
                let new = std::mem::take(&mut settled.erasures);
                if self.erasures != new {
                    change.erasures = Some(std::mem::replace(&mut self.erasures, new));
                }
            }
            Subject::Member(_) | Subject::Statement(_) => {}
        }
    }

    fn put_device(&mut self, id: DeviceId, exchange: &mut Exchange<'_>) {
        let settled = &mut exchange.settled;
        let was = self.devices.remove(&id);
        let was = was.or_else(|| self.former.remove(&id));
        if let Some(was) = &was {
            let member = self.members.remove_entry(&was.member);
            exchange.members.extend(member);
        }
        if was.as_ref() != settled.any_device(&id) {
            exchange.change.devices.insert(id, was);
        }
        let new = settled.devices.remove_entry(&id);
        self.devices.extend(new);
        let new = settled.former.remove_entry(&id);
        self.former.extend(new);
    }

    fn put_members(&mut self, exchange: &mut Exchange<'_>) {
        let members = std::mem::take(&mut exchange.settled.members);
        exchange.change.is_any |= exchange.members != members;
        self.members.extend(members);
    }

    /// What stands or falls with one statement.
    fn put_statements(&mut self, exchange: &mut Exchange<'_>) {
        let (settled, change) = (&mut exchange.settled, &mut exchange.change);
        for said in exchange.said {
            match &said.statement {
                Statement::Space(_) => {
                    let new = settled.spaces.remove(&said.space);
                    put(&mut self.spaces, said.space, new, &mut change.spaces);
                }
                Statement::Revoke(_) => {
                    let counts = settled.revocations.contains(&said.id);
                    change.is_any |= put_in_set(&mut self.revocations, said.id, counts);
                }
                Statement::Erased(erased) => {
                    let of = &erased.statement;
                    let receipts = settled.receipts.get(of);
                    let counts = receipts.is_some_and(|by| by.contains(&said.author));
                    let receipts = self.receipts.entry(*of).or_default();
                    change.is_any |= put_in_set(receipts, said.author, counts);
                    if receipts.is_empty() {
                        self.receipts.remove(of);
                    }
                }
                // Settled with what they are about.
                Statement::AddDevice(_)
                | Statement::Confirm(_)
                | Statement::Discard(_)
                | Statement::Epoch(_)
                | Statement::Erase(_)
                | Statement::Found(_)
                | Statement::Grant(_)
                | Statement::Invite(_)
                | Statement::Join(_)
                | Statement::Profile(_)
                | Statement::Release(_) => {}
                Statement::Settings(_) => {
                    let new = settled.settings.remove(&said.id);
                    put(&mut self.settings, said.id, new, &mut change.settings);
                }
            }
        }
        let is_other =
            !change.invites.is_empty() || change.erasures.is_some() || !change.settings.is_empty();
        change.is_any |= is_other || change.is_of_rights();
    }

    /// Keys that were settled again, those that were handed on, and those in invitations.
    fn put_epochs(&mut self, exchange: &mut Exchange<'_>) {
        let change = &mut exchange.change;
        let mut sealed_anew: BTreeSet<Which> = exchange.epochs.keys().copied().collect();
        for (key, info) in std::mem::take(&mut exchange.settled.epochs) {
            if let Some(known) = self.epochs.get_mut(&key) {
                change.is_any |= known.add(info);
            } else {
                sealed_anew.insert(key);
                self.epochs.insert(key, info);
                change.is_any |= !exchange.epochs.contains_key(&key);
            }
        }
        let mut invites = change.invites.values();
        if !sealed_anew.is_empty() || invites.any(Option::is_none) {
            self.seal_to_invites(|invite, key| {
                let was = change.invites.get(invite);
                was.is_some_and(Option::is_none) || sealed_anew.contains(key)
            });
        }
        let mut epochs = exchange.epochs.iter();
        change.is_any |= epochs.any(|(key, was)| was.as_ref() != self.epochs.get(key));
    }
}

/// Puts what is settled now in the place of what was, which is kept if it was otherwise.
fn put<K: Ord + Copy, V: PartialEq>(
    map: &mut BTreeMap<K, V>,
    key: K,
    new: Option<V>,
    changed: &mut BTreeMap<K, Option<V>>,
) {
    let was = map.remove(&key);
    if was != new {
        changed.insert(key, was);
    }
    map.extend(new.map(|new| (key, new)));
}

/// Puts something into a set or takes it out; says whether it was otherwise.
fn put_in_set<K: Ord>(set: &mut BTreeSet<K>, key: K, is_in: bool) -> bool {
    if is_in {
        set.insert(key)
    } else {
        set.remove(&key)
    }
}
