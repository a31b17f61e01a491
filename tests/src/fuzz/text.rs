//! What people scan or type: tickets, what pairs devices, the recovery sheet, where a relay or a device is.
//!
//! A fuzzer does not find a checksum. So each input is read twice: as a text, and as the content of one,
//! with the right checksum behind it.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use sync_core::keys::{derive, domain};
use sync_core::nearby::{CODE_ADDRS_MAX, Instance, PeerCode, Tag};
use sync_core::roster::pairing::{DeviceAnswer, DeviceInvitation};
use sync_core::roster::recovery::{self, RECOVERY_SECRET_LEN, RecoverySheet};
use sync_core::roster::ticket::{RelayAddr, TICKET_RELAYS_MAX, TICKET_TEXT_MAX, Ticket};

const TICKET: &str = "BANYAN1";
const PEER: &str = "BANYAN-PEER:";
const INVITATION: &str = "BANYANDEVICE1";
const ANSWER: &str = "BANYANANSWER1";
const SHEET: &str = "BANYANRECOVER1";
const CHECKSUM_LEN: usize = 5;

/// The text that has this content.
pub(super) fn with_checksum(prefix: &str, content: &[u8]) -> String {
    let hash = derive(domain::CHECKSUM, &[content]);
    let sum = hash.as_bytes().iter().take(CHECKSUM_LEN);
    let bytes: Vec<u8> = content.iter().chain(sum).copied().collect();
    format!("{prefix}{}", BASE32_NOPAD.encode(&bytes))
}

/// Reads an input both ways; what it gives must come back when it is written and read.
fn read<T>(prefix: &str, input: &[u8]) -> Vec<T>
where
    T: FromStr + Display + Debug + PartialEq,
{
    let texts = [
        String::from_utf8_lossy(input).into_owned(),
        with_checksum(prefix, input),
    ];
    let mut values: Vec<T> = Vec::new();
    for text in texts {
        let Ok(value) = text.parse() else { continue };
        let written = T::to_string(&value);
        assert!(text.len() <= TICKET_TEXT_MAX, "a text beyond the limit");
        assert!(written.len() <= TICKET_TEXT_MAX, "{value:?} grows");
        assert_eq!(written.parse().ok().as_ref(), Some(&value));
        values.push(value);
    }
    values
}

pub(super) fn ticket(input: &[u8]) {
    for ticket in read::<Ticket>(TICKET, input) {
        assert!(ticket.relays.len() <= TICKET_RELAYS_MAX);
        assert_eq!(ticket.qr_text().parse(), Ok(ticket));
    }
}

/// A code; and, as a neighbour would announce them, a name and a tag.
pub(super) fn peer_code(input: &[u8]) {
    for code in read::<PeerCode>(PEER, input) {
        assert!((1..=CODE_ADDRS_MAX).contains(&code.addrs().len()));
        for addr in code.addrs() {
            assert!(addr.socket().port() != 0 && !addr.ip().is_unspecified());
        }
        assert_eq!(code.qr_text().parse(), Ok(code));
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(instance) = Instance::of_full_name(&text) {
        assert_eq!(instance.to_string().parse(), Ok(instance));
    }
    if let Ok(tag) = text.parse::<Tag>() {
        assert_eq!(Tag::from_bytes(&tag.to_bytes()), tag);
        assert_eq!(tag.to_string().parse(), Ok(tag));
    }
}

pub(super) fn device_invitation(input: &[u8]) {
    for invitation in read::<DeviceInvitation>(INVITATION, input) {
        assert!(invitation.relays.len() <= TICKET_RELAYS_MAX);
    }
}

pub(super) fn device_answer(input: &[u8]) {
    read::<DeviceAnswer>(ANSWER, input);
}

pub(super) fn recovery_sheet(input: &[u8]) {
    for sheet in read::<RecoverySheet>(SHEET, input) {
        assert!(sheet.relays.len() <= TICKET_RELAYS_MAX);
    }
}

/// A key as it was typed; and the first bytes as a key that is printed and typed again.
pub(super) fn recovery_key(input: &[u8]) {
    if let Ok(secret) = recovery::parse(&String::from_utf8_lossy(input)) {
        assert_eq!(recovery::parse(&recovery::printed(&secret)), Ok(secret));
    }
    if let Some(secret) = input.first_chunk::<RECOVERY_SECRET_LEN>() {
        assert_eq!(recovery::parse(&recovery::printed(secret)), Ok(*secret));
    }
}

pub(super) fn relay_address(input: &[u8]) {
    if let Ok(relay) = String::from_utf8_lossy(input).parse::<RelayAddr>() {
        assert_eq!(relay.to_string().parse(), Ok(relay));
    }
}

pub(super) mod seeds {
    use sync_core::id::{DeviceId, MemberId};
    use sync_core::nearby::SERVICE;
    use sync_core::roster::role::{Role, Scope};

    use super::{
        BASE32_NOPAD, DeviceAnswer, DeviceInvitation, PeerCode, RecoverySheet, RelayAddr, Tag,
        Ticket, recovery,
    };
    use crate::fuzz::expected::{COMMUNITY, keys};
    use crate::fuzz::genuine;

    /// A text, the same in other letters, and its content alone.
    fn forms(text: &str, prefix: &str) -> Vec<Vec<u8>> {
        let capitals = text.to_ascii_uppercase();
        let body = capitals.strip_prefix(prefix).unwrap_or_default();
        let bytes = BASE32_NOPAD.decode(body.as_bytes()).unwrap_or_default();
        let content = bytes.len().saturating_sub(super::CHECKSUM_LEN);
        let spaced = text
            .chars()
            .flat_map(|letter| [letter, ' '])
            .collect::<String>();
        vec![
            text.into(),
            capitals.clone().into(),
            spaced.into(),
            bytes.into_iter().take(content).collect(),
        ]
    }

    fn relays(count: u8) -> Vec<RelayAddr> {
        (0..count)
            .map(|number| RelayAddr {
                relay: DeviceId::new([number; 32]),
                addr: format!("relay{number}.example:4433"),
            })
            .collect()
    }

    pub(in crate::fuzz) fn ticket() -> Vec<Vec<u8>> {
        let mut all = genuine::files("ticket");
        for (scope, role, count) in [
            (Scope::Community, Role::Coordinator, 0),
            (Scope::Community, Role::Observer, 4),
            (Scope::Community, Role::Volunteer, 5),
        ] {
            let ticket = Ticket {
                community: COMMUNITY,
                secret: [9; 16].into(),
                scope,
                role,
                relays: relays(count),
            };
            all.extend(forms(&ticket.to_string(), super::TICKET));
        }
        all.push(b"banyan2abc".to_vec());
        all
    }

    pub(in crate::fuzz) fn peer_code() -> Vec<Vec<u8>> {
        let mut all = genuine::files("peer");
        let tag = Tag::from_bytes(&[3; 16]);
        let addrs = ["10.0.0.1:1", "[2001:db8::1]:65535", "192.168.43.1:47113"];
        for count in 1..=addrs.len() {
            let some = addrs
                .iter()
                .take(count)
                .filter_map(|addr| addr.parse().ok());
            let code = PeerCode::new(tag, DeviceId::new([10; 32]), some);
            all.extend(forms(&code.to_string(), super::PEER));
        }
        let instance = "aaaaaaaaaaaaa";
        all.push(format!("{instance}.{SERVICE}").into());
        all.push(tag.to_string().into());
        all
    }

    fn invitation(count: u8) -> DeviceInvitation {
        DeviceInvitation {
            community: COMMUNITY,
            member: MemberId::new([2; 16]),
            relays: relays(count),
        }
    }

    pub(in crate::fuzz) fn device_invitation() -> Vec<Vec<u8>> {
        let texts = [0, 1, 5].map(|count| invitation(count).to_string());
        let forms = texts.iter().map(|text| forms(text, super::INVITATION));
        forms.flatten().collect()
    }

    pub(in crate::fuzz) fn device_answer() -> Vec<Vec<u8>> {
        let labels = ["", "平板", "the tablet in the office"];
        let answers = labels.map(|label| {
            let answer = DeviceAnswer::new(&invitation(0), &keys(), label);
            answer.expect("keys in memory sign").to_string()
        });
        let forms = answers.iter().map(|text| forms(text, super::ANSWER));
        forms.flatten().collect()
    }

    pub(in crate::fuzz) fn recovery_sheet() -> Vec<Vec<u8>> {
        let sheets = [0, 2, 5].map(|count| {
            let sheet = RecoverySheet {
                community: COMMUNITY,
                secret: [7; 16].into(),
                relays: relays(count),
            };
            sheet.to_string()
        });
        let forms = sheets.iter().map(|text| forms(text, super::SHEET));
        forms.flatten().collect()
    }

    pub(in crate::fuzz) fn recovery_key() -> Vec<Vec<u8>> {
        let printed = recovery::printed(&[7; 16]);
        vec![
            printed.to_ascii_lowercase().into(),
            printed.replace(' ', "\n").into(),
            printed.into(),
            (0..16).collect(),
        ]
    }

    pub(in crate::fuzz) fn relay_address() -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = relays(3)
            .iter()
            .map(|relay| relay.to_string().into())
            .collect();
        for addr in [
            "[2001:db8::1]:4433",
            "10.0.0.1:65535",
            "relay",
            ":1",
            "a@b:1",
        ] {
            let relay = DeviceId::new([10; 32]);
            all.push(format!("{relay}@{addr}").into());
        }
        all
    }
}
