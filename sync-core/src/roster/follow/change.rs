//! What following has changed: for those who keep something that depends on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{DeviceId, LaneId, LogId};
use crate::roster::erasure::Erasures;
use crate::roster::settings::Setting;
use crate::roster::statement::StatementId;
use crate::roster::verdict::Verdict;
use crate::roster::{Device, Invite, LogStanding, Roster, Space};

/// What was otherwise before, as it was; nothing where there was none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// How many statements had to be gone through.
    pub effort: usize,
    /// Whether anything in the roster is otherwise.
    pub is_any: bool,
    /// Whether everything was evaluated from nothing.
    pub is_whole: bool,
    /// Devices.
    pub(super) devices: BTreeMap<DeviceId, Option<Device>>,
    /// Invitations.
    pub(super) invites: BTreeMap<StatementId, Option<Invite>>,
    /// Verdicts.
    pub(super) verdicts: BTreeMap<LogId, Option<BTreeSet<Verdict>>>,
    /// All that was erased.
    pub(super) erasures: Option<Erasures>,
    /// Settings.
    pub(super) settings: BTreeMap<StatementId, Option<Setting>>,
    /// Spaces.
    pub(super) spaces: BTreeMap<LaneId, Option<Space>>,
}

impl Change {
    /// From one roster to the next.
    pub(in crate::roster) fn between(was: Roster, is: &Roster) -> Self {
        let is_any = was != *is;
        let mut devices = was.devices;
        devices.extend(was.former);
        let all = is.devices.keys().chain(is.former.keys());
        Self {
            effort: 0,
            is_any,
            is_whole: true,
            devices: differing(devices, all, |id| is.any_device(id)),
            invites: differing(was.invites, is.invites.keys(), |id| is.invites.get(id)),
            verdicts: differing(was.verdicts, is.verdicts.keys(), |log| is.verdicts.get(log)),
            erasures: (was.erasures != is.erasures).then_some(was.erasures),
            settings: differing(was.settings, is.settings.keys(), |id| is.settings.get(id)),
            spaces: differing(was.spaces, is.spaces.keys(), |lane| is.spaces.get(lane)),
        }
    }

    /// This change and then a later one, as one.
    pub fn then(&mut self, later: Self) {
        self.effort += later.effort;
        self.is_any |= later.is_any;
        self.is_whole |= later.is_whole;
        for (id, was) in later.devices {
            self.devices.entry(id).or_insert(was);
        }
        for (id, was) in later.invites {
            self.invites.entry(id).or_insert(was);
        }
        for (log, was) in later.verdicts {
            self.verdicts.entry(log).or_insert(was);
        }
        self.erasures = self.erasures.take().or(later.erasures);
        for (id, was) in later.settings {
            self.settings.entry(id).or_insert(was);
        }
        for (lane, was) in later.spaces {
            self.spaces.entry(lane).or_insert(was);
        }
    }

    /// Whether something that is settled for the whole community is settled otherwise.
    #[must_use]
    pub fn is_of_settings(&self) -> bool {
        !self.settings.is_empty()
    }

    /// What was erased before, if it is not the same now.
    #[must_use]
    pub fn erasures(&self) -> Option<&Erasures> {
        self.erasures.as_ref()
    }

    /// Whether entries of some logs may count otherwise than before.
    #[must_use]
    pub fn is_of_rights(&self) -> bool {
        !self.devices.is_empty() || !self.verdicts.is_empty() || !self.spaces.is_empty()
    }

    /// Whether the entries of a log count by something else than before.
    #[must_use]
    pub fn has_changed(&self, log: &LogId, now: &Roster) -> bool {
        let had_space = self.spaces.get(&log.lane).map(Option::is_some);
        if had_space.is_some_and(|had| had != now.has_lane(&log.lane)) {
            return true;
        }
        let device = self.devices.get(&log.device).map(Option::as_ref);
        let verdicts = self.verdicts.get(log).map(Option::as_ref);
        if device.is_none() && verdicts.is_none() {
            return false;
        }
        let was = LogStanding::new(
            now.community(),
            log,
            device.unwrap_or_else(|| now.any_device(&log.device)),
            verdicts.unwrap_or_else(|| now.verdicts.get(log)),
        );
        was != now.standing_of(log)
    }

    /// Whether somebody has less than before: a device, an invitation.
    #[must_use]
    pub fn has_narrowed(&self, now: &Roster) -> bool {
        let mut devices = self.devices.iter();
        let mut invites = self.invites.iter();
        devices.any(|(id, was)| {
            let holds = |right| {
                let device = now.devices.get(id);
                device.is_some_and(|device| device.held().any(|held| held == right))
            };
            let mut had = was.iter().flat_map(Device::held);
            had.any(|right| !holds(right))
        }) || invites.any(|(id, was)| {
            let stands = now.invites.get(id).is_some_and(Invite::stands);
            was.as_ref().is_some_and(Invite::stands) && !stands
        })
    }
}

/// The entries of a map that are not what they were, as they were.
fn differing<'a, K: Ord + Copy + 'a, V: PartialEq + 'a>(
    was: BTreeMap<K, V>,
    now: impl Iterator<Item = &'a K>,
    is: impl Fn(&K) -> Option<&'a V>,
) -> BTreeMap<K, Option<V>> {
    let new: Vec<K> = now.filter(|key| !was.contains_key(key)).copied().collect();
    let other = was.into_iter().filter(|(key, was)| is(key) != Some(was));
    let mut all: BTreeMap<K, Option<V>> = other.map(|(key, was)| (key, Some(was))).collect();
    all.extend(new.into_iter().map(|key| (key, None)));
    all
}
