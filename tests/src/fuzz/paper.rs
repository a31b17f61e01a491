//! What is checked by somebody who is no member: certificates on paper, and a roster in a file.

use sync_core::certificate::{CERTIFICATE_BYTES_MAX, SignedCertificate};
use sync_core::roster::file::read_roster;

use super::text::with_checksum;

const CERTIFICATE: &str = "BANYANCERTIFICATE1";

/// Whatever is taken for a certificate, the fixtures' device has signed.
pub(super) fn certificate(input: &[u8]) {
    let typed = String::from_utf8_lossy(input);
    let texts = [typed.into_owned(), with_checksum(CERTIFICATE, input)];
    for text in texts {
        if let Ok(signed) = text.parse::<SignedCertificate>() {
            let most = (CERTIFICATE_BYTES_MAX + 16) * 8 / 5 + CERTIFICATE.len() + 1;
            assert!(signed.text().len() <= most, "larger than a code");
            let known = seeds::signed().contains(&signed);
            assert!(known, "nobody signed {signed:?}");
            assert_eq!(signed.text().parse(), Ok(signed));
        }
        let _inside = SignedCertificate::text_in(&text);
    }
}

/// Whatever is taken for a roster says what the community's own members said, or a beginning of it.
pub(super) fn roster_file(input: &[u8]) {
    if let Ok(roster) = read_roster(input) {
        assert_eq!(roster.community(), seeds::whole_roster().community());
        let members = seeds::whole_roster().members();
        assert!(roster.members().keys().all(|id| members.contains_key(id)));
    }
}

pub(super) mod seeds {
    use std::sync::{Arc, OnceLock};

    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;
    use sync_core::certificate::SignedCertificate;
    use sync_core::id::Millis;
    use sync_core::keys::DeviceKeys;
    use sync_core::replica::{Moment, Replica};
    use sync_core::roster::Roster;
    use sync_core::roster::file::read_roster;
    use sync_core::roster::role::{Role, Scope};
    use sync_core::store::MemoryStore;

    use crate::fuzz::genuine;

    /// The fixtures' certificate.
    pub(super) fn signed() -> &'static [SignedCertificate] {
        static SIGNED: OnceLock<Vec<SignedCertificate>> = OnceLock::new();
        SIGNED.get_or_init(|| {
            let files = genuine::files("certificate").into_iter();
            let texts = files.filter_map(|file| String::from_utf8(file).ok());
            texts.filter_map(|text| text.parse().ok()).collect()
        })
    }

    pub(super) fn whole_roster() -> &'static Roster {
        static ROSTER: OnceLock<Roster> = OnceLock::new();
        ROSTER.get_or_init(|| read_roster(file()).expect("it was just written"))
    }

    /// A community with a space, an open invitation and a schema, in a file.
    fn file() -> &'static [u8] {
        static FILE: OnceLock<Vec<u8>> = OnceLock::new();
        FILE.get_or_init(|| {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let keys = Arc::new(DeviceKeys::generate(&mut rng));
            let moment = &mut Moment {
                now: Millis(1_780_000_000_000),
                rng: &mut rng,
            };
            let store = Box::new(MemoryStore::new());
            let founding = Replica::found(store, keys, "丹灶", "李芳", &[], moment);
            let mut replica = founding.expect("memory does not fail").replica;
            let space = replica.add_space("良登", moment);
            let space = Scope::Space(space.expect("owners add spaces"));
            let ticket = replica.invite(space, Role::Volunteer, 1, moment);
            ticket.expect("owners invite");
            let file = replica.export_roster(moment);
            file.expect("memory does not fail")
        })
    }

    pub(in crate::fuzz) fn certificate() -> Vec<Vec<u8>> {
        let texts = signed().iter().map(SignedCertificate::text);
        let mut all: Vec<Vec<u8>> = texts
            .flat_map(|text| {
                let page = format!("<p>{text}</p>");
                let spaced = text.to_ascii_lowercase().replace('a', "a \n");
                [text.into(), page.into(), spaced.into()]
            })
            .collect();
        all.push(b"BANYANCERTIFICATE2ABC".to_vec());
        all
    }

    pub(in crate::fuzz) fn roster_file() -> Vec<Vec<u8>> {
        let whole = file();
        let cut = whole.get(..whole.len() / 2).unwrap_or_default();
        vec![whole.to_vec(), cut.to_vec(), whole.repeat(2)]
    }
}
