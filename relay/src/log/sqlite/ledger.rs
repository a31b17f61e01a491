//! Notes for the operator beside the log, and what can be told from both while a relay serves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use sync_core::id::{CommunityId, DeviceId};
use sync_core::store::StoreError;

use super::rows::unsigned;
use super::{PATIENCE, SqliteLog, corrupt, failed, schema};
use crate::ledger::{Notes, Reason};
use crate::limits::REFUSAL_DAYS_MAX;
use crate::log::BatchLog as _;
use crate::overview::{CommunityLine, DeviceLine, Overview, RefusalLine};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// The day whose row counts since the file was made.
const ALL_DAYS: i64 = 0;

impl SqliteLog {
    /// Opens the log to look at it, while a relay may be writing: nothing is made or brought up.
    ///
    /// # Errors
    /// [`StoreError::Newer`] or [`StoreError::Corrupt`] as far as the head tells, otherwise as the disk
    /// fails.
    pub fn look(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
        conn.busy_timeout(PATIENCE).map_err(failed)?;
        schema::version(&conn)?;
        Self::over(conn)
    }

    /// Writes notes down in a transaction of their own; `at` is the time of day in seconds.
    ///
    /// # Errors
    /// As the disk fails; then nothing of them is written.
    pub fn note(&mut self, notes: &Notes, at: i64) -> Result<(), StoreError> {
        self.begin()?;
        match self.write_notes(notes, at) {
            Ok(()) => self.commit(),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn write_notes(&self, notes: &Notes, at: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO seen (community, device, at)
                   SELECT id, ?2, ?3 FROM community WHERE name = ?1
                   ON CONFLICT DO UPDATE SET at = max(at, excluded.at)";
        let mut see = self.conn.prepare_cached(sql).map_err(failed)?;
        for (community, device) in &notes.seen {
            see.execute((community.as_bytes(), device.as_bytes(), at))
                .map_err(failed)?;
        }
        let sql = "INSERT INTO refused (day, reason, count) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET count = count + excluded.count";
        let mut refuse = self.conn.prepare_cached(sql).map_err(failed)?;
        let today = at.div_euclid(DAY);
        for (reason, count) in &notes.refused {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            for day in [today, ALL_DAYS] {
                refuse
                    .execute((day, reason.code(), count))
                    .map_err(failed)?;
            }
        }
        let oldest = today - REFUSAL_DAYS_MAX + 1;
        let sql = "DELETE FROM refused WHERE day <> ?1 AND day < ?2";
        self.conn.execute(sql, (ALL_DAYS, oldest)).map_err(failed)?;
        let connections = i64::try_from(notes.connections).unwrap_or(i64::MAX);
        self.conn
            .execute(
                "UPDATE noted SET at = ?1, connections = ?2",
                (at, connections),
            )
            .map_err(failed)?;
        Ok(())
    }

    /// What an operator is told, as of one moment; `at` is the time of day in seconds.
    ///
    /// # Errors
    /// As the disk fails. A community whose part of the log is damaged is marked, not an error.
    pub fn overview(&self, at: i64) -> Result<Overview, StoreError> {
        // One snapshot, whatever is written meanwhile.
        self.conn.execute_batch("BEGIN").map_err(failed)?;
        let overview = self.read_overview(at);
        self.conn.execute_batch("COMMIT").map_err(failed)?;
        overview
    }

    fn read_overview(&self, at: i64) -> Result<Overview, StoreError> {
        let has_notes = schema::version(&self.conn)? >= schema::WITH_NOTES;
        let mut overview = Overview::default();
        if has_notes {
            let sql = "SELECT since, at, connections FROM noted";
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let (since, noted, connections): (i64, Option<i64>, i64) =
                self.conn.query_row(sql, [], read).map_err(failed)?;
            overview.refused_since = Some(since);
            overview.noted_at = noted;
            overview.connections = unsigned(connections);
            overview.refused = self.refusals(at.div_euclid(DAY))?;
        }
        for name in self.names()? {
            let line = match self.community_line(&name, has_notes) {
                Err(StoreError::Corrupt { .. }) => CommunityLine::damaged(name),
                line => line?,
            };
            overview.communities.push(line);
        }
        Ok(overview)
    }

    fn community_line(
        &self,
        name: &CommunityId,
        has_notes: bool,
    ) -> Result<CommunityLine, StoreError> {
        let state = self.community(name)?.unwrap_or_default();
        let seen = if has_notes {
            self.seen(name)?
        } else {
            BTreeMap::new()
        };
        let mut bytes: BTreeMap<DeviceId, u64> = BTreeMap::new();
        for (log, state) in &state.logs {
            *bytes.entry(log.device).or_default() += state.bytes;
        }
        let devices: BTreeSet<DeviceId> = seen.keys().chain(bytes.keys()).copied().collect();
        let line = |device: DeviceId| DeviceLine {
            device,
            last_seen: seen.get(&device).copied(),
            bytes: bytes.get(&device).copied().unwrap_or_default(),
        };
        Ok(CommunityLine {
            community: *name,
            is_damaged: false,
            bytes: state.bytes(),
            logs: state.logs.len() as u64,
            batches: state.tip.0,
            entries: state.logs.values().map(|log| log.head.seq.0).sum(),
            devices: devices.into_iter().map(line).collect(),
        })
    }

    fn seen(&self, community: &CommunityId) -> Result<BTreeMap<DeviceId, i64>, StoreError> {
        let sql = "SELECT device, at FROM seen WHERE community = ?1";
        let Some(key) = self.key_of(community)? else {
            return Ok(BTreeMap::new());
        };
        let rows: Vec<([u8; 32], i64)> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut list| {
                list.query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(failed)?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(device, at)| (DeviceId::new(device), at))
            .collect())
    }

    fn refusals(&self, today: i64) -> Result<Vec<RefusalLine>, StoreError> {
        let sql = "SELECT reason,
                          coalesce(sum(count) FILTER (WHERE day = ?1), 0),
                          coalesce(sum(count) FILTER (WHERE day <> ?2), 0),
                          coalesce(sum(count) FILTER (WHERE day = ?2), 0)
                   FROM refused WHERE day = ?2 OR day > ?3 GROUP BY reason";
        let rows: Vec<(i64, i64, i64, i64)> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut list| {
                let days = (today, ALL_DAYS, today - REFUSAL_DAYS_MAX);
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                };
                list.query_map(days, read)?.collect()
            })
            .map_err(failed)?;
        rows.into_iter()
            .map(|(code, today, recently, ever)| {
                let code = u16::try_from(code).map_err(|_| corrupt("a reason", code))?;
                Ok(RefusalLine {
                    reason: Reason::from_code(code),
                    today: unsigned(today),
                    recently: unsigned(recently),
                    ever: unsigned(ever),
                })
            })
            .collect()
    }
}
