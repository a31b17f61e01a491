//! CBOR as a newer version may write it.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// Writes the item again, with one more field in every map.
pub(crate) fn with_new_fields(item: &[u8]) -> Vec<u8> {
    let mut newer = Vec::new();
    add_fields(&mut Decoder::new(item), &mut Encoder::new(&mut newer));
    newer
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything else is copied as it stands"
)]
fn add_fields(from: &mut Decoder<'_>, to: &mut Encoder<&mut Vec<u8>>) {
    match from.datatype().unwrap() {
        Type::Map => {
            let count = from.map().unwrap().unwrap();
            to.map(count + 1).unwrap();
            (0..count * 2).for_each(|_| add_fields(from, to));
            to.u8(99)
                .unwrap()
                .array(2)
                .unwrap()
                .map(1)
                .unwrap()
                .u8(0)
                .unwrap()
                .str("new")
                .unwrap();
            to.bool(true).unwrap();
        }
        Type::Array => {
            let count = from.array().unwrap().unwrap();
            to.array(count).unwrap();
            (0..count).for_each(|_| add_fields(from, to));
        }
        _ => {
            let start = from.position();
            from.skip().unwrap();
            to.writer_mut()
                .extend_from_slice(&from.input()[start..from.position()]);
        }
    }
}
