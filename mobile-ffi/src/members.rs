//! People, their devices, their rights, and the spaces they share.

use std::sync::Arc;

use qrcode::{Color, EcLevel, QrCode};
use sync_core::replica::{DeviceView, MemberFreshness, MemberView, Removal, Replica};
use sync_core::roster::pairing::{DeviceAnswer, DeviceInvitation};
use sync_core::roster::role::Scope;

use crate::community::{Community, home};
use crate::error::BanyanError;
use crate::fault::{Class, Fault};
use crate::keys::{self, KeyStore};
use crate::values::{Language, Role, Space};

/// A role, and where it holds.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HeldRole {
    /// The role.
    pub role: Role,
    /// The space, by name; none: the whole community.
    pub space: Option<String>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Member {
    /// The member's id.
    pub id: String,
    /// Their name; none until it can be read.
    pub name: Option<String>,
    /// What they may do, and where.
    pub roles: Vec<HeldRole>,
    /// Their devices, by id.
    pub devices: Vec<String>,
    /// Joined, and not yet confirmed by a lead.
    pub is_provisional: bool,
    /// Whether they belonged and were removed.
    pub is_removed: bool,
}

impl From<MemberView> for Member {
    fn from(member: MemberView) -> Self {
        let is_removed = member.is_removed();
        let roles = member.roles.into_iter();
        let roles = roles.filter_map(|(role, space)| {
            let role = Role::named(&role)?;
            Some(HeldRole { role, space })
        });
        Self {
            id: member.id,
            name: member.name,
            roles: roles.collect(),
            devices: member.devices,
            is_provisional: member.is_provisional,
            is_removed,
        }
    }
}

/// One of this person's phones or computers.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// What its owner calls it; none for a first device.
    pub label: Option<String>,
    /// Whether it is this one.
    pub is_this: bool,
    /// Whether it was removed.
    pub is_removed: bool,
}

impl From<DeviceView> for Device {
    fn from(device: DeviceView) -> Self {
        Self {
            id: device.id.to_string(),
            label: device.label,
            is_this: device.is_this,
            is_removed: device.is_removed,
        }
    }
}

/// How much of what this person wrote has reached another, as far as their devices have said so.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Freshness {
    /// Who, by id.
    pub member: String,
    /// Their name.
    pub name: String,
    /// Whether that is this person.
    pub is_self: bool,
    /// When they were heard from last, in milliseconds since 1970, by their clock.
    pub heard_at_ms: Option<i64>,
    /// Whether they have all changes of this person that they may read.
    pub has_all_of_mine: bool,
    /// Records with a change of this person that none of their devices has.
    pub lacks: u64,
}

impl From<MemberFreshness> for Freshness {
    fn from(freshness: MemberFreshness) -> Self {
        Self {
            member: freshness.member.to_string(),
            name: freshness.name,
            is_self: freshness.is_self,
            heard_at_ms: freshness.heard_at.map(|at| at.0),
            has_all_of_mine: freshness.has_all_of_mine,
            lacks: freshness.lacks,
        }
    }
}

/// A square of squares to be drawn and scanned. Draw a margin of four light squares around it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QrMatrix {
    /// Squares in a row, and rows.
    pub width: u32,
    /// Row by row from the upper left corner; true is dark.
    pub dark: Vec<bool>,
}

/// A ticket, or the text of a further device, as a QR matrix.
///
/// # Errors
/// `Invalid` if the text is longer than a QR holds.
#[uniffi::export]
pub fn qr(text: String, language: Language) -> Result<QrMatrix, BanyanError> {
    // Shown on a screen, close to the camera: the lowest level of repair keeps the squares large, and so
    // do capitals, in which tickets may be written as well.
    let code = QrCode::with_error_correction_level(text.to_ascii_uppercase(), EcLevel::L)
        .map_err(|_| Fault::new(Class::Invalid, "err.qr").said_in(language.into()))?;
    let squares = code.to_colors().into_iter();
    Ok(QrMatrix {
        width: u32::try_from(code.width()).unwrap_or(u32::MAX),
        dark: squares.map(|color| color == Color::Dark).collect(),
    })
}

/// Begins a further device of a member in a folder, and returns the answer that the first device takes
/// with `add_device`. Then the folder is opened like any other, and synced.
///
/// # Errors
/// `Invalid` for a text that is no such invitation or a folder with a community in it; `Storage`.
#[uniffi::export(default(keys = None))]
pub fn begin_device(
    dir: String,
    invitation: String,
    label: String,
    language: Language,
    keys: Option<Arc<dyn KeyStore>>,
) -> Result<String, BanyanError> {
    let begin = || -> Result<String, Fault> {
        let invitation: DeviceInvitation = invitation.parse()?;
        let begun = home(&dir, keys.as_ref()).join_as_device(&invitation, &label);
        let answer = begun.map_err(|error| keys::fault(error, keys.is_some()))?;
        Ok(answer.to_string())
    };
    begin().map_err(|fault| fault.said_in(language.into()))
}

#[uniffi::export]
impl Community {
    /// The spaces that this person reads.
    ///
    /// # Errors
    /// `Closed`, `Storage`.
    pub async fn spaces(&self) -> Result<Vec<Space>, BanyanError> {
        self.call(|replica, _| {
            let spaces = replica.status()?.spaces.into_iter();
            Ok(spaces.map(|(id, name)| Space { id, name }).collect())
        })
        .await
    }

    /// Makes a space and returns its id.
    ///
    /// # Errors
    /// `NotAllowed` below coordinator; `Invalid` if a space has that name already.
    pub async fn add_space(&self, name: String) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            if replica
                .status()?
                .spaces
                .iter()
                .any(|(_, taken)| *taken == name)
            {
                return Err(Fault::new(Class::Invalid, "err.space.twice"));
            }
            Ok(replica.add_space(&name, moment)?.to_string())
        })
        .await
    }

    /// Gives an invitation for one person and returns its ticket. Without a space, the role holds in
    /// all of them.
    ///
    /// # Errors
    /// `NotFound` for the space; `NotAllowed` unless this person's rank there is above the role.
    pub async fn invite(&self, space: Option<String>, role: Role) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            let scope = scope(replica, space.as_deref())?;
            Ok(replica.invite(scope, role.into(), 1, moment)?.to_string())
        })
        .await
    }

    /// Everybody who belongs, and who belonged.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn members(&self) -> Result<Vec<Member>, BanyanError> {
        self.call(|replica, _| Ok(replica.members().into_iter().map(Member::from).collect()))
            .await
    }

    /// Gives a member a role, in one space or the whole community. Returns whether they lacked it.
    ///
    /// # Errors
    /// `NotFound` for the member or space; `NotAllowed` unless this person's rank there is above the role.
    pub async fn grant(
        &self,
        member: String,
        space: Option<String>,
        role: Role,
    ) -> Result<bool, BanyanError> {
        self.call(move |replica, moment| {
            let scope = scope(replica, space.as_deref())?;
            let member = replica.find_member(&member)?;
            Ok(replica.grant(member, scope, role.into(), moment)?)
        })
        .await
    }

    /// Removes a member: nothing that their devices write from here on counts, and nothing that is written
    /// from here on can be read by them.
    ///
    /// # Errors
    /// `NotFound`; `NotAllowed` unless this person's rank is above theirs.
    pub async fn remove_member(&self, member: String) -> Result<(), BanyanError> {
        self.call(move |replica, moment| {
            let member = replica.find_member(&member)?;
            replica.revoke(&Removal::Member(member), moment)?;
            Ok(())
        })
        .await
    }

    /// Removes a device, such as a lost phone; its owner stays a member.
    ///
    /// # Errors
    /// `NotFound`; `NotAllowed` unless it is one's own, or this person's rank is above its owner's.
    pub async fn remove_device(&self, device: String) -> Result<(), BanyanError> {
        self.call(move |replica, moment| {
            let device = replica.find_device(&device)?;
            replica.revoke(&Removal::Device(device), moment)?;
            Ok(())
        })
        .await
    }

    /// This person's devices.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn devices(&self) -> Result<Vec<Device>, BanyanError> {
        self.call(|replica, _| Ok(replica.devices().into_iter().map(Device::from).collect()))
            .await
    }

    /// The text, to be shown as a QR too, with which a further device of this person begins.
    ///
    /// # Errors
    /// `NotAllowed` before the community knows this device, or after it was removed.
    pub async fn device_invitation(&self) -> Result<String, BanyanError> {
        self.call(|replica, _| Ok(replica.device_invitation()?.to_string()))
            .await
    }

    /// Takes the answer of a further device: from the next sync on it is this person's. Returns whether
    /// it is new.
    ///
    /// # Errors
    /// `Invalid` for a text that is no answer, or one for somebody else.
    pub async fn add_device(&self, answer: String) -> Result<bool, BanyanError> {
        self.call(move |replica, moment| {
            let answer: DeviceAnswer = answer.parse()?;
            Ok(replica.add_device(&answer, moment)?)
        })
        .await
    }

    /// Who has what this person wrote, and when they were heard from.
    ///
    /// # Errors
    /// `Storage`, `Closed`.
    pub async fn freshness(&self) -> Result<Vec<Freshness>, BanyanError> {
        self.call(|replica, _| {
            let all = replica.freshness()?.into_iter();
            Ok(all.map(Freshness::from).collect())
        })
        .await
    }
}

fn scope(replica: &Replica, space: Option<&str>) -> Result<Scope, Fault> {
    Ok(match space {
        Some(space) => Scope::Space(replica.find_space(space)?),
        None => Scope::Community,
    })
}
