//! What an operator sees: communities with their sizes, devices when last seen, refusals by reason.
//!
//! Ids, sizes and times: a relay knows no names.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Value, json};
use sync_core::id::{CommunityId, DeviceId};

use crate::ledger::Reason;
use crate::limits::REFUSAL_DAYS_MAX;

/// Everything that is told, as of one moment; times are seconds of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// Whether a relay serves from the folder now.
    pub is_serving: bool,
    /// When the relay last wrote down what is told here beside the log.
    pub noted_at: Option<i64>,
    /// How many connections it had then.
    pub connections: u64,
    /// The communities, in the order of their ids.
    pub communities: Vec<CommunityLine>,
    /// Since when refusals are counted; none if the file is of an older version.
    pub refused_since: Option<i64>,
    /// What was refused, by reason.
    pub refused: Vec<RefusalLine>,
}

/// One community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunityLine {
    /// Which.
    pub community: CommunityId,
    /// Whether its part of the log is damaged, so that it is refused.
    pub is_damaged: bool,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Its logs.
    pub logs: u64,
    /// Its batches.
    pub batches: u64,
    /// Entries of the branches that count.
    pub entries: u64,
    /// Devices that were here or whose batches are here.
    pub devices: Vec<DeviceLine>,
}

impl CommunityLine {
    /// A community about which nothing more can be told.
    #[must_use]
    pub fn damaged(community: CommunityId) -> Self {
        Self {
            community,
            is_damaged: true,
            bytes: 0,
            logs: 0,
            batches: 0,
            entries: 0,
            devices: Vec::new(),
        }
    }
}

/// One device in a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceLine {
    /// Which.
    pub device: DeviceId,
    /// When it was last connected; none if others brought its batches.
    pub last_seen: Option<i64>,
    /// Bytes that it wrote.
    pub bytes: u64,
}

/// How often something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalLine {
    /// Why.
    pub reason: Reason,
    /// Today, by the calendar of UTC.
    pub today: u64,
    /// In the days that are counted one by one.
    pub recently: u64,
    /// Since it is counted.
    pub ever: u64,
}

impl Overview {
    /// The same for scripts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let communities = self.communities.iter().map(|line| {
            let devices = line.devices.iter().map(|device| {
                json!({
                    "device": device.device.to_string(),
                    "last_seen": device.last_seen.map(time),
                    "bytes": device.bytes,
                })
            });
            json!({
                "community": line.community.to_string(),
                "is_damaged": line.is_damaged,
                "bytes": line.bytes,
                "logs": line.logs,
                "batches": line.batches,
                "entries": line.entries,
                "devices": devices.collect::<Vec<_>>(),
            })
        });
        let refused = self.refused.iter().map(|line| {
            json!({
                "reason": line.reason.name(),
                "today": line.today,
                "last_30_days": line.recently,
                "since_first_start": line.ever,
            })
        });
        json!({
            "is_serving": self.is_serving,
            "as_of": self.noted_at.map(time),
            "connections": self.is_serving.then_some(self.connections),
            "communities": communities.collect::<Vec<_>>(),
            "refused_since": self.refused_since.map(time),
            "refused": refused.collect::<Vec<_>>(),
        })
    }

    fn write_state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_serving, self.noted_at) {
            (true, Some(at)) => writeln!(
                f,
                "serving: {} connections as of {}",
                self.connections,
                time(at)
            ),
            (true, None) => writeln!(f, "serving, since a moment ago"),
            (false, Some(at)) => writeln!(f, "not serving; last noted at {}", time(at)),
            (false, None) => writeln!(f, "not serving"),
        }
    }

    fn write_communities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![
            [
                "community",
                "bytes",
                "logs",
                "batches",
                "entries",
                "devices",
            ]
            .map(str::to_owned),
        ];
        for line in &self.communities {
            let counts = [line.bytes, line.logs, line.batches, line.entries];
            let [bytes, logs, batches, entries] = counts.map(|count| count.to_string());
            let bytes = if line.is_damaged {
                "damaged".to_owned()
            } else {
                bytes
            };
            let devices = line.devices.len().to_string();
            lines.push([
                line.community.short(),
                bytes,
                logs,
                batches,
                entries,
                devices,
            ]);
        }
        write_table(f, &lines)
    }

    fn write_devices(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["device", "of", "bytes", "last seen"].map(str::to_owned)];
        for line in &self.communities {
            for device in &line.devices {
                let seen = device.last_seen.map_or_else(|| "never".to_owned(), time);
                lines.push([
                    device.device.short(),
                    line.community.short(),
                    device.bytes.to_string(),
                    seen,
                ]);
            }
        }
        write_table(f, &lines)
    }

    fn write_refusals(&self, f: &mut fmt::Formatter<'_>, since: i64) -> fmt::Result {
        writeln!(f, "refused, counted since {}", time(since))?;
        let recently = format!("{REFUSAL_DAYS_MAX} days");
        let mut lines = vec![["today", &recently, "ever", "because"].map(str::to_owned)];
        for line in &self.refused {
            let [today, recently, ever] =
                [line.today, line.recently, line.ever].map(|count| count.to_string());
            lines.push([today, recently, ever, line.reason.to_string()]);
        }
        write_table(f, &lines)
    }
}

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_state(f)?;
        f.write_char('\n')?;
        self.write_communities(f)?;
        f.write_char('\n')?;
        self.write_devices(f)?;
        match self.refused_since {
            None => Ok(()),
            Some(since) => {
                f.write_char('\n')?;
                self.write_refusals(f, since)
            }
        }
    }
}

/// A time that a person and a script can read; one that no calendar has is given as it is.
fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Lines whose columns begin below each other.
fn write_table<const N: usize>(f: &mut fmt::Formatter<'_>, lines: &[[String; N]]) -> fmt::Result {
    let mut widths = [0; N];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for line in lines {
        let cells = line.iter().zip(widths);
        let padded = cells.map(|(cell, width)| format!("{cell:<width$}"));
        let text = padded.collect::<Vec<_>>().join("  ");
        writeln!(f, "{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_core::wire::Refusal;

    fn overview() -> Overview {
        let device = DeviceLine {
            device: DeviceId::new([2; 32]),
            last_seen: Some(1_772_600_000),
            bytes: 300,
        };
        Overview {
            is_serving: true,
            noted_at: Some(1_772_600_030),
            connections: 12,
            communities: vec![CommunityLine {
                devices: vec![device],
                bytes: 300,
                ..CommunityLine::damaged(CommunityId::new([1; 32]))
            }],
            refused_since: Some(0),
            refused: vec![RefusalLine {
                reason: Reason::Refused(Refusal::NotAMember),
                today: 1,
                recently: 2,
                ever: 3,
            }],
        }
    }

    #[test]
    fn text_has_every_fact_and_short_ids() {
        let text = overview().to_string();
        let community = CommunityId::new([1; 32]);
        for expected in [
            "serving: 12 connections as of 2026-03-04T04:53:50Z",
            "2026-03-04T04:53:20Z",
            "damaged",
            "counted since 1970-01-01T00:00:00Z",
            "1      2        3     this device is not a member of the community",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(text.contains(&community.short()));
        assert!(!text.contains(&community.to_string()), "{text}");
    }

    #[test]
    fn script_gets_whole_ids_and_the_reasons_that_the_metrics_have() {
        let json = overview().to_json();
        let community = CommunityId::new([1; 32]).to_string();
        assert_eq!(json["communities"][0]["community"], community);
        assert_eq!(json["communities"][0]["devices"][0]["bytes"], 300);
        assert_eq!(json["refused"][0]["reason"], "NotAMember");
        assert_eq!(json["connections"], 12);
        let stopped = Overview {
            is_serving: false,
            ..overview()
        };
        assert_eq!(stopped.to_json()["connections"], Value::Null);
    }
}
