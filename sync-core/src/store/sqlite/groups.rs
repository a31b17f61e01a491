//! Rows in groups: one space's records of one kind in one state, counted.

use rusqlite::{Row, params};

use crate::store::forward::names::*;

use super::cells::{Columns, Sum, corrupt, int};
use super::read::{Rows, Tally};
use super::views::Spot;

const COLUMNS: &str = "SELECT id, space, kind, state, records, in_conflict, ids, sum FROM groups";
const BY_KEY: &str = "SELECT id, space, kind, state, records, in_conflict, ids, sum FROM groups \
                      WHERE space = ?1 AND kind = ?2 AND state = ?3";
const BY_ID: &str = "SELECT id, space, kind, state, records, in_conflict, ids, sum FROM groups \
                     WHERE id = ?1";

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: i64,
    pub(super) space: LaneId,
    pub(super) kind: String,
    pub(super) state: Option<String>,
    pub(super) count: Count,
    pub(super) in_conflict: u64,
}

/// How many rows, and the sum of their numbers, which tells if one stands for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub(super) rows: u64,
    ids: i64,
}

impl Count {
    pub(super) fn add(&mut self, id: i64) {
        self.rows += 1;
        self.ids = self.ids.wrapping_add(id);
    }

    fn remove(&mut self, id: i64) {
        self.rows = self.rows.saturating_sub(1);
        self.ids = self.ids.wrapping_sub(id);
    }
}

/// A state in a column; no state has an empty name.
pub(super) fn state_text(state: Option<&str>) -> &str {
    state.unwrap_or_default()
}

impl Group {
    fn sum(&self) -> Sum {
        Sum::of("groups")
            .signed(self.id)
            .bytes(self.space.as_bytes())
            .bytes(self.kind.as_bytes())
            .bytes(state_text(self.state.as_deref()).as_bytes())
            .int(self.count.rows)
            .int(self.in_conflict)
            .signed(self.count.ids)
    }

    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::new(row, "a count of rows", &"the list of groups");
        let id = columns.next()?;
        let space = columns.next()?;
        let kind = columns.next()?;
        let state: String = columns.next()?;
        let rows = columns.next()?;
        let in_conflict = columns.next()?;
        let ids = columns.next()?;
        let group = Self {
            id,
            space,
            kind,
            state: (!state.is_empty()).then_some(state),
            count: Count { rows, ids },
            in_conflict,
        };
        columns.check(group.sum())?;
        Ok(group)
    }

    pub(super) fn is_of(&self, row: &ViewRow) -> bool {
        self.space == row.space && self.kind == row.kind && self.state == row.state
    }
}

/// All groups, and which of them a filter lets through.
pub(super) struct Groups {
    /// By number, which begins at 1.
    all: Vec<(Group, bool)>,
}

impl Groups {
    /// Whether rows of a group may fit; none if there is no such group.
    pub(super) fn is_open(&self, id: i64) -> Option<bool> {
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        self.all.get(index).map(|(_, is_open)| *is_open)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Group> {
        self.all.iter().map(|(group, _)| group)
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &Group> {
        let open = self.all.iter().filter(|(_, is_open)| *is_open);
        open.map(|(group, _)| group)
    }

    pub(super) fn are_all_open(&self) -> bool {
        self.all.iter().all(|(_, is_open)| *is_open)
    }

    pub(super) fn rows(&self) -> u64 {
        self.all().map(|group| group.count.rows).sum()
    }

    pub(super) fn open_rows(&self) -> u64 {
        self.open().map(|group| group.count.rows).sum()
    }
}

/// What was met of each group on a way through all rows.
pub(super) struct Met(Vec<Count>);

impl Met {
    pub(super) fn none(groups: &Groups) -> Self {
        Self(vec![Count::default(); groups.all.len()])
    }

    pub(super) fn add(&mut self, group: i64, id: i64) {
        let index = usize::try_from(group.saturating_sub(1));
        if let Some(count) = index.ok().and_then(|index| self.0.get_mut(index)) {
            count.add(id);
        }
    }

    /// Confirms that every row was met, and once.
    pub(super) fn check(&self, groups: &Groups) -> Result<(), StoreError> {
        if groups.all().map(|group| &group.count).eq(&self.0) {
            Ok(())
        } else {
            Err(corrupt("an index of rows", "the list of rows"))
        }
    }
}

// Reading.
impl Rows<'_> {
    /// All groups, empty ones too.
    pub(super) fn groups(&self, filter: &RowFilter) -> Result<Groups, StoreError> {
        let mut all = self.all_groups()?;
        all.sort_unstable_by_key(|group| group.id);
        let is_open =
            |group: &Group| filter.fits_group(&group.space, &group.kind, group.state.as_deref());
        let all: Vec<_> = all
            .into_iter()
            .map(|group| {
                let is_open = is_open(&group);
                (group, is_open)
            })
            .collect();
        if all.iter().zip(1..).all(|((group, _), id)| group.id == id) {
            Ok(Groups { all })
        } else {
            Err(corrupt("a count of rows", "the list of groups"))
        }
    }

    fn all_groups(&self) -> Result<Vec<Group>, StoreError> {
        let mut statement = self.conn.prepare_cached(COLUMNS)?;
        let mut rows = statement.query([])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            groups.push(Group::of(row)?);
        }
        self.check_tally(Tally::Groups, groups.len() as u64)?;
        Ok(groups)
    }

    /// Groups with rows, by space, kind and state.
    pub(super) fn all_state_counts(&self) -> Result<Vec<StateCount>, StoreError> {
        let groups = self.all_groups()?.into_iter();
        let counts = groups
            .filter(|group| group.count.rows > 0)
            .map(|group| StateCount {
                space: group.space,
                kind: group.kind,
                state: group.state,
                records: group.count.rows,
                in_conflict: group.in_conflict,
            });
        let mut counts: Vec<StateCount> = counts.collect();
        counts.sort_unstable_by(|a, b| {
            (a.space, &a.kind, &a.state).cmp(&(b.space, &b.kind, &b.state))
        });
        Ok(counts)
    }

    fn group(&self, id: i64) -> Result<Group, StoreError> {
        let mut statement = self.conn.prepare_cached(BY_ID)?;
        let mut rows = statement.query([id])?;
        match rows.next()? {
            Some(row) => Group::of(row),
            None => Err(corrupt("a count of rows", "the list of groups")),
        }
    }
}

// Writing.
impl Rows<'_> {
    /// Counts a row into its group; returns the group's number.
    pub(super) fn join_group(&self, id: i64, row: &ViewRow) -> Result<i64, StoreError> {
        let mut group = self.group_for(row)?;
        group.count.add(id);
        group.in_conflict += u64::from(row.conflicts > 0);
        self.write_group(&group)?;
        Ok(group.id)
    }

    /// The group that a row belongs to, which is made if it is the first one of it.
    fn group_for(&self, row: &ViewRow) -> Result<Group, StoreError> {
        let state = state_text(row.state.as_deref());
        let mut statement = self.conn.prepare_cached(BY_KEY)?;
        let mut rows = statement.query(params![row.space.as_bytes(), row.kind, state])?;
        if let Some(found) = rows.next()? {
            return Group::of(found);
        }
        let number = self.tally(Tally::Groups)? + 1;
        let group = Group {
            id: int(number)?,
            space: row.space,
            kind: row.kind.clone(),
            state: row.state.clone(),
            count: Count::default(),
            in_conflict: 0,
        };
        self.conn
            .prepare_cached(
                "INSERT INTO groups(id, space, kind, state, records, in_conflict, ids, sum) \
                 VALUES (?1, ?2, ?3, ?4, 0, 0, 0, ?5)",
            )?
            .execute(params![
                group.id,
                group.space.as_bytes(),
                group.kind,
                state,
                group.sum().done(),
            ])?;
        self.set_tally(Tally::Groups, number)?;
        Ok(group)
    }

    /// Moves a row that is there to the group that it belongs to now; most stay where they are.
    pub(super) fn change_group(&self, spot: &Spot, row: &ViewRow) -> Result<i64, StoreError> {
        let group = self.group(spot.group)?;
        if group.is_of(row) && (spot.conflicts > 0) == (row.conflicts > 0) {
            return Ok(group.id);
        }
        self.leave(group, spot)?;
        self.join_group(spot.id, row)
    }

    /// Counts a row out of its group.
    pub(super) fn leave_group(&self, spot: &Spot) -> Result<(), StoreError> {
        self.leave(self.group(spot.group)?, spot)
    }

    fn leave(&self, mut group: Group, spot: &Spot) -> Result<(), StoreError> {
        group.count.remove(spot.id);
        group.in_conflict = group
            .in_conflict
            .saturating_sub(u64::from(spot.conflicts > 0));
        self.write_group(&group)
    }

    fn write_group(&self, group: &Group) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "UPDATE groups SET records = ?2, in_conflict = ?3, ids = ?4, sum = ?5 \
                 WHERE id = ?1",
            )?
            .execute(params![
                group.id,
                int(group.count.rows)?,
                int(group.in_conflict)?,
                group.count.ids,
                group.sum().done(),
            ])?;
        Ok(())
    }
}
