//! Roster statements, one by one.

use sync_core::entry::EntryKind;
use sync_core::id::DeviceId;
use sync_core::keys::Signer as _;
use sync_core::roster::Said;
use sync_core::roster::statement::Statement;

use super::expected::{COMMUNITY, keys};
use super::genuine;

/// A statement's kind and its bytes, said by the device of the fixtures and by another one.
pub(super) fn statement(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else {
        return;
    };
    let kind = EntryKind::from_code(*kind);
    let Some(statement) = Statement::decode(kind, bytes) else {
        assert_eq!(
            Said::read(&COMMUNITY, keys().device(), kind, bytes),
            None,
            "what cannot be read says nothing"
        );
        return;
    };
    let (again, written) = statement.encode();
    assert_eq!(again, kind);
    assert!(written.len() <= 2 * bytes.len() + 32, "{statement:?} grows");
    assert_eq!(Statement::decode(kind, &written).as_ref(), Some(&statement));
    for author in [keys().device(), DeviceId::new([1; 32])] {
        assert_said(author, kind, bytes, &statement);
    }
}

fn assert_said(author: DeviceId, kind: EntryKind, bytes: &[u8], statement: &Statement) {
    let said = Said::read(&COMMUNITY, author, kind, bytes);
    match statement {
        Statement::Found(_) => assert_eq!(said, None, "the community has no such founder"),
        Statement::Join(_) if said.is_some() => {
            assert_eq!(author, keys().device(), "only who was let in may say so");
            let signed = genuine::files("entry-join");
            assert!(signed.contains(&statement.encode().1), "{statement:?}");
        }
        Statement::AddDevice(_)
        | Statement::Confirm(_)
        | Statement::Discard(_)
        | Statement::Epoch(_)
        | Statement::Erase(_)
        | Statement::Erased(_)
        | Statement::Grant(_)
        | Statement::Invite(_)
        | Statement::Join(_)
        | Statement::Profile(_)
        | Statement::Release(_)
        | Statement::Revoke(_)
        | Statement::Settings(_)
        | Statement::Space(_) => {}
    }
}

pub(super) mod seeds {
    use crate::fuzz::expected::{Value, all};

    pub(in crate::fuzz) fn statement() -> Vec<Vec<u8>> {
        let mut seeds = Vec::new();
        for fixture in all() {
            if let Value::Statement(statement) = fixture.value {
                let (kind, bytes) = statement.encode();
                seeds.push([&[kind.code()], bytes.as_slice()].concat());
            }
        }
        // One kind's bytes under another kind, and a map without an end.
        if let Some(first) = seeds.first().cloned() {
            let rest = first.get(1..).unwrap_or_default();
            seeds.push([&[2], rest].concat());
        }
        seeds.push(vec![5, 0xbf, 0x00, 0x41, 0x00, 0xff]);
        seeds
    }
}
