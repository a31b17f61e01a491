//! The station's account from a replica: rows, what their histories say of states, and promotions.

use crate::id::{MemberId, Millis, RecordId};
use crate::replica::merge::load;
use crate::replica::{Replica, ReplicaError};
use crate::roster::Roster;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::Statement;
use crate::store::ViewRow;
use crate::view::day_at;
use crate::view::statistics::account::{
    Account, Counting, MEASURES, People, Promotion, Span, asks_for_moves,
};
use crate::view::statistics::{Question, Statistics};

impl Replica {
    /// Numbers about the records of a time, a space and a person; with [`Replica::heads_digest`] they say
    /// what they are of. Reads every row that is counted.
    ///
    /// # Errors
    /// The store's.
    pub fn statistics(&self, question: &Question) -> Result<Statistics, ReplicaError> {
        let rows = self.store.rows(&question.filter())?;
        Ok(Statistics::of(self.schema(), &rows))
    }

    /// The station's account of a time, a space and a person, and the same by member. Together with
    /// [`Replica::heads_digest`] it is the same on every device, as long as nothing waits to be sealed.
    /// Reads every row that is counted, and the whole record where states came one after another.
    ///
    /// # Errors
    /// The store's.
    pub fn account(&self, question: &Question) -> Result<(Account, People), ReplicaError> {
        let rows = self.store.rows(&question.filter())?;
        let roster = &self.mind.roster;
        let mut counting = Counting::new(self.schema(), question);
        for row in &rows {
            let moves = self.moves_for(row)?;
            counting.add(row, &moves, |device| roster.member_id(device));
        }
        for measure in MEASURES.iter().filter(|it| it.span != Span::About) {
            for row in self.store.rows(&measure.filter(question))? {
                counting.add_beside(measure, &row, |device| roster.member_id(device));
            }
        }
        let kinds = Statistics::of(self.schema(), &rows);
        Ok(counting.finish(kinds, &self.promotions()))
    }

    fn moves_for(&self, row: &ViewRow) -> Result<Vec<(Millis, String)>, ReplicaError> {
        let kind = self.schema().kind(&row.kind);
        if kind.is_some_and(|kind| asks_for_moves(kind, row)) {
            self.moves(row.record)
        } else {
            Ok(Vec::new())
        }
    }

    /// The states that a record was put into, with the moment by its author's clock, in an order that is
    /// the same everywhere.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`]; the store's.
    pub fn moves(&self, record: RecordId) -> Result<Vec<(Millis, String)>, ReplicaError> {
        let work = load(&*self.store, &record)?
            .ok_or_else(|| ReplicaError::UnknownRecord(record.to_string()))?;
        Ok(work.doc().moves())
    }

    /// Grants of a lead's role or a higher one that have an effect, to members who hold or held a lower one.
    #[must_use]
    pub fn promotions(&self) -> Vec<Promotion> {
        let book = &self.mind.book;
        let (_, counted) = Roster::evaluate_counting(&self.mind.community, book);
        let counting = book.statements().filter(|said| counted.contains(&said.id));
        let grants = counting.filter_map(|said| {
            if let Statement::Grant(grant) = &said.statement {
                Some(grant)
            } else {
                None
            }
        });
        let leading = grants.filter(|grant| is_leading(grant.role));
        let of_volunteers = leading.filter(|grant| self.was_below(&grant.member));
        let promotions = of_volunteers.map(|grant| Promotion {
            member: grant.member,
            space: match grant.scope {
                Scope::Community => None,
                Scope::Space(space) => Some(space),
            },
            day: grant.at.and_then(|at| day_at(Millis(at))),
        });
        promotions.collect()
    }

    /// Whether a member has or had a role below a lead's.
    fn was_below(&self, member: &MemberId) -> bool {
        let roster = &self.mind.roster;
        let devices = roster.devices().values().chain(roster.former().values());
        let rights = devices
            .filter(|device| device.member == *member)
            .flat_map(|device| device.rights.keys());
        rights.map(|(_, role)| *role).any(|role| role < Role::Lead)
    }
}

fn is_leading(role: Role) -> bool {
    (Role::Lead..=Role::Coordinator).contains(&role)
}
