//! What is inside of a sealed entry: compressed, and the record that it belongs to.

use sync_core::id::{DeviceId, Incarnation};
use sync_core::record::{MAX_PAYLOAD, Payload, compress, decompress};

/// Compressed content, with several caps.
pub(super) fn compressed(input: &[u8]) {
    for cap in [0, 64, 4096, MAX_PAYLOAD] {
        let Ok(content) = decompress(input, cap) else {
            continue;
        };
        assert!(content.len() <= cap);
        let again = decompress(&compress(&content), MAX_PAYLOAD);
        assert_eq!(again.as_deref(), Ok(content.as_slice()));
    }
}

/// A payload: it has one form only.
pub(super) fn payload(input: &[u8]) {
    if let Ok(payload) = Payload::decode(input) {
        assert_eq!(payload.encode(), input);
        let (device, incarnation) = (DeviceId::new([1; 32]), Incarnation::new([2; 8]));
        let record = payload.target.record_id(&device, &incarnation);
        assert_eq!(record, payload.target.record_id(&device, &incarnation));
    }
}

pub(super) mod seeds {
    use sync_core::id::RecordId;
    use sync_core::record::{KindName, Target};

    use super::{MAX_PAYLOAD, Payload, compress, decompress};
    use crate::fuzz::genuine;

    pub(in crate::fuzz) fn compressed() -> Vec<Vec<u8>> {
        let mut all = genuine::files("entry-change");
        all.extend(payload().iter().map(|payload| compress(payload)));
        // What is long and says little, what says much, nothing, and a dictionary to come.
        all.push(compress(&vec![0; MAX_PAYLOAD]));
        all.push(compress(&vec![7; MAX_PAYLOAD + 1]));
        all.push(compress(&(0..=255).collect::<Vec<u8>>()));
        all.push(compress(&[]));
        all.push(vec![0]);
        all.push(vec![2, 1, 2, 3]);
        all
    }

    pub(in crate::fuzz) fn payload() -> Vec<Vec<u8>> {
        let kind = |name| KindName::new(name).expect("a good name");
        let targets = [
            Target::Begin {
                kind: kind("visit"),
                nonce: [1; 8],
            },
            Target::BeginKeyed {
                kind: kind("household"),
                key: "abc:3号门".to_owned(),
            },
            Target::Edit(RecordId::new([2; 16])),
        ];
        let written = targets.map(|target| {
            let chunk = b"chunk".to_vec();
            Payload { target, chunk }.encode()
        });
        let committed = genuine::files("entry-change");
        let committed = committed
            .iter()
            .filter_map(|bytes| decompress(bytes, MAX_PAYLOAD).ok());
        written.into_iter().chain(committed).collect()
    }
}
