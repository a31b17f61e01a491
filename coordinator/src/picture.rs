//! Files as they are attached: of a picture nothing is taken but its pixels.
//!
//! A photo of a phone says where it was taken, when, and with which phone, in places that differ by maker: beside the
//! picture, behind it, and in further pictures inside the same file. So it is decoded and written anew, turned
//! upright, which leaves nothing else of it (ADR 19). Recordings and documents stay as they are.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use sync_core::blob::{BLOB_BYTES_MAX, BLOB_PREVIEW_BYTES_MAX};
use sync_core::id::RecordId;
use sync_core::replica::{Moment, NewAttachment, Replica, ReplicaError};

use crate::exit::Exit;
use crate::failure::Failure;

/// A picture keeps so many pixels along its longer side: enough to read a page that was photographed.
const SIDE_MAX: u32 = 3_072;
/// Largest side of a picture that is opened, and the memory that its dots may take: a small file can claim any size.
const OPENED_SIDE_MAX: u32 = 20_000;
const OPENED_BYTES_MAX: u64 = 200 * 1024 * 1024;
const QUALITY: u8 = 85;
/// Sides and qualities of a preview, until one is small enough.
const PREVIEWS: [(u32, u8); 4] = [(480, 75), (480, 55), (360, 45), (240, 35)];

/// What a file holds, by the values of the field `media`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Jpeg,
    Png,
    Webp,
    Ogg,
    M4a,
    Pdf,
}

impl Media {
    pub(crate) const ALL: [Self; 6] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Ogg,
        Self::M4a,
        Self::Pdf,
    ];

    /// By what a record says.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }

    /// By what stands in the file; its name says nothing.
    fn of(bytes: &[u8]) -> Option<Self> {
        let kind = |at: usize, mark: &[u8]| bytes.get(at..at + mark.len()) == Some(mark);
        if kind(0, b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if kind(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if kind(0, b"RIFF") && kind(8, b"WEBP") {
            Some(Self::Webp)
        } else if kind(0, b"OggS") {
            Some(Self::Ogg)
        } else if kind(0, b"%PDF-") {
            Some(Self::Pdf)
        } else {
            let is_sound = kind(4, b"ftyp") && tracks(bytes).all(|track| track == b"soun");
            (is_sound && tracks(bytes).next().is_some()).then_some(Self::M4a)
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Ogg => "ogg",
            Self::M4a => "m4a",
            Self::Pdf => "pdf",
        }
    }

    /// As HTTP names it.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Ogg => "audio/ogg",
            Self::M4a => "audio/mp4",
            Self::Pdf => "application/pdf",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png | Self::Webp | Self::Ogg | Self::M4a | Self::Pdf => self.name(),
        }
    }

    pub(crate) fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp)
    }

    pub(crate) fn is_sound(self) -> bool {
        matches!(self, Self::Ogg | Self::M4a)
    }

    fn format(self) -> Option<ImageFormat> {
        match self {
            Self::Jpeg => Some(ImageFormat::Jpeg),
            Self::Png => Some(ImageFormat::Png),
            Self::Webp => Some(ImageFormat::WebP),
            Self::Ogg | Self::M4a | Self::Pdf => None,
        }
    }
}

/// What the tracks of an MPEG-4 file hold (ISO/IEC 14496-12, `hdlr`).
fn tracks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let boxes = bytes
        .windows(16)
        .filter(|window| window.starts_with(b"hdlr"));
    let kinds = boxes.filter_map(|window| window.get(12..16));
    kinds.filter(|kind| [&b"soun"[..], b"vide", b"pict"].contains(kind))
}

/// What is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) media: Media,
    pub(crate) original: Vec<u8>,
    /// Of pictures.
    pub(crate) preview: Option<Vec<u8>>,
}

/// What people say of an attachment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'n> {
    pub(crate) name: &'n str,
    /// A day, `YYYY-MM-DD`.
    pub(crate) taken: Option<&'n str>,
}

impl Prepared {
    /// Attaches it to a record.
    pub(crate) fn attach(
        &self,
        replica: &mut Replica,
        about: RecordId,
        named: Named<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<RecordId, ReplicaError> {
        let new = NewAttachment {
            name: named.name,
            media: self.media.name(),
            taken: named.taken,
            preview: self.preview.as_deref(),
            original: &self.original,
        };
        replica.attach(about, &new, moment)
    }
}

/// Makes a file ready to be attached.
///
/// Fails with [`Exit::BadFile`] if it is none of the kinds that there are, damaged, too large, or says where it
/// was recorded.
pub(crate) fn prepare(bytes: Vec<u8>) -> Result<Prepared, Failure> {
    let bad = |key: &str| Failure::new(Exit::BadFile, key);
    if bytes.is_empty() {
        return Err(bad("err.attach.empty"));
    }
    if bytes.len() > BLOB_BYTES_MAX as usize {
        return Err(bad("err.attach.too_large"));
    }
    let media = Media::of(&bytes).ok_or_else(|| bad("err.attach.unknown"))?;
    if let Some(format) = media.format() {
        return redrawn(&bytes, format).ok_or_else(|| bad("err.attach.picture"));
    }
    // The place of a recording, as phones write it.
    if media == Media::M4a && bytes.windows(4).any(|mark| mark == b"\xa9xyz") {
        return Err(bad("err.attach.place"));
    }
    Ok(Prepared {
        media,
        original: bytes,
        preview: None,
    })
}

/// Whether a JPEG goes on to its end; a decoder would show grey for what is missing. A thumbnail inside ends before the
/// picture itself begins.
fn is_whole(bytes: &[u8]) -> bool {
    let last = |mark: [u8; 2]| bytes.windows(2).rposition(|window| window == mark);
    let (begin, end) = (last([0xff, 0xda]), last([0xff, 0xd9]));
    begin.is_some() && end > begin
}

/// The picture, drawn anew; none if it does not open.
fn redrawn(bytes: &[u8], format: ImageFormat) -> Option<Prepared> {
    if format == ImageFormat::Jpeg && !is_whole(bytes) {
        return None;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(OPENED_SIDE_MAX);
    limits.max_image_height = Some(OPENED_SIDE_MAX);
    limits.max_alloc = Some(OPENED_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    // The limits hold for what a decoder needs beside.
    if decoder.total_bytes() > OPENED_BYTES_MAX {
        return None;
    }
    let turn = decoder.orientation().ok()?;
    let colours = decoder.icc_profile().ok()?;
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(turn);
    if picture.width().max(picture.height()) > SIDE_MAX {
        picture = picture.thumbnail(SIDE_MAX, SIDE_MAX);
    }
    let is_drawn = format != ImageFormat::Jpeg && picture.color().has_alpha();
    let (media, original) = if is_drawn || format == ImageFormat::Png {
        (Media::Png, png(&picture, colours.clone())?)
    } else {
        (Media::Jpeg, jpeg(&picture, QUALITY, colours.clone())?)
    };
    Some(Prepared {
        media,
        preview: preview(&picture, colours.as_ref()),
        original,
    })
}

fn png(picture: &DynamicImage, colours: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    keep_colours(&mut encoder, colours);
    picture.write_with_encoder(encoder).ok()?;
    Some(bytes)
}

fn jpeg(picture: &DynamicImage, quality: u8, colours: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    keep_colours(&mut encoder, colours);
    let plain = DynamicImage::ImageRgb8(on_white(picture));
    plain.write_with_encoder(encoder).ok()?;
    Some(bytes)
}

/// A profile says what the colours are and nothing else; a format without one shows them a little differently.
fn keep_colours(encoder: &mut impl image::ImageEncoder, colours: Option<Vec<u8>>) {
    if let Some(colours) = colours {
        let _shown_as_usual = encoder.set_icc_profile(colours);
    }
}

/// What can be seen through is seen on white: a JPEG has no such thing.
fn on_white(picture: &DynamicImage) -> image::RgbImage {
    let mut below = image::RgbaImage::from_pixel(
        picture.width(),
        picture.height(),
        image::Rgba([255, 255, 255, 255]),
    );
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    image::imageops::overlay(&mut below, &picture.to_rgba8(), 0, 0);
    DynamicImage::ImageRgba8(below).to_rgb8()
}

fn preview(picture: &DynamicImage, colours: Option<&Vec<u8>>) -> Option<Vec<u8>> {
    PREVIEWS.into_iter().find_map(|(side, quality)| {
        let small = if picture.width().max(picture.height()) > side {
            picture.thumbnail(side, side)
        } else {
            picture.clone()
        };
        // A large profile of colours would leave no room.
        let colours = colours.filter(|colours| colours.len() < 4_096).cloned();
        let bytes = jpeg(&small, quality, colours)?;
        (bytes.len() <= BLOB_PREVIEW_BYTES_MAX as usize).then_some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use image::ImageEncoder as _;
    use image::{ImageBuffer, Rgb};
    use proptest::prelude::*;

    use super::*;

    /// A photo of 640 × 480, dark at its left, as a phone writes it that was held upright: with a place, a trailer
    /// behind its end, and the turn.
    fn photo() -> Vec<u8> {
        let picture =
            ImageBuffer::from_fn(640, 480, |x, _| Rgb([if x < 320 { 0_u8 } else { 255 }; 3]));
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
        let mut exif = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
        // Orientation 6: to be turned right by a quarter.
        exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
        // ImageDescription.
        exif.extend(b"\x01\x0e\0\x02\0\0\0\x10\0\0\0\x26\0\0\0\0");
        exif.extend(b"PLACE 23.01 113\0");
        encoder.set_exif_metadata(exif).unwrap();
        encoder.encode_image(&picture).unwrap();
        bytes.extend(b"SEFT PLACE of the maker's own");
        bytes
    }

    fn opened(bytes: &[u8]) -> DynamicImage {
        image::load_from_memory(bytes).unwrap()
    }

    fn has(bytes: &[u8], word: &[u8]) -> bool {
        bytes.windows(word.len()).any(|window| window == word)
    }

    #[test]
    fn photo_is_turned_upright_and_says_nothing_but_its_pixels() {
        let photo = photo();
        assert!(has(&photo, b"PLACE") && has(&photo, b"Exif"));
        let prepared = prepare(photo).unwrap();
        assert_eq!(prepared.media, Media::Jpeg);
        let preview = prepared.preview.unwrap();
        for bytes in [&prepared.original, &preview] {
            assert!(!has(bytes, b"PLACE") && !has(bytes, b"Exif"));
            let picture = opened(bytes).to_rgb8();
            assert!(picture.height() > picture.width(), "it stands upright");
            let [top, bottom] = [4, picture.height() - 4].map(|y| picture.get_pixel(40, y).0[0]);
            assert!(top < 60 && bottom > 200, "{top} {bottom}");
        }
        assert_eq!(opened(&prepared.original).width(), 480);
        assert!(preview.len() <= BLOB_PREVIEW_BYTES_MAX as usize);
    }

    #[test]
    fn large_picture_of_noise_still_gets_a_preview_and_fits() {
        let mut seed = 1_u32;
        let noise = ImageBuffer::from_fn(3_200, 2_400, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = seed.to_be_bytes();
            Rgb([a, b, c])
        });
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 60)
            .encode_image(&noise)
            .unwrap();
        let prepared = prepare(bytes).unwrap();
        assert_eq!(opened(&prepared.original).width(), SIDE_MAX);
        assert!(prepared.preview.unwrap().len() <= BLOB_PREVIEW_BYTES_MAX as usize);
    }

    #[test]
    fn drawing_that_can_be_seen_through_stays_one_and_is_on_white_in_its_preview() {
        let clear = image::RgbaImage::from_pixel(60, 40, image::Rgba([0, 0, 0, 0]));
        let bytes = png(&DynamicImage::ImageRgba8(clear), None).unwrap();
        let prepared = prepare(bytes).unwrap();
        assert_eq!(prepared.media, Media::Png);
        assert!(opened(&prepared.original).color().has_alpha());
        let preview = opened(&prepared.preview.unwrap()).to_rgb8();
        assert!(preview.get_pixel(30, 20).0[0] > 250);
    }

    /// A PNG of a few hundred KB with so many grey dots along each side, all black.
    fn vast(side: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut chunk = |kind: &[u8; 4], data: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(kind);
            crc.update(data);
            bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(kind);
            bytes.extend(data);
            bytes.extend(crc.sum().to_be_bytes());
        };
        let size = [side.to_be_bytes(), side.to_be_bytes()].concat();
        chunk(b"IHDR", &[&size[..], &[8, 0, 0, 0, 0]].concat());
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let row = vec![0; side as usize + 1];
        for _ in 0..side {
            packed.write_all(&row).unwrap();
        }
        chunk(b"IDAT", &packed.finish().unwrap());
        chunk(b"IEND", &[]);
        bytes
    }

    #[test]
    fn small_file_that_would_take_much_memory_is_not_opened() {
        assert!(prepare(vast(3_000)).is_ok());
        let vast = vast(15_000);
        assert!(vast.len() < 4_000_000);
        let refused = prepare(vast).unwrap_err();
        assert!(refused.is_about("err.attach.picture"));
    }

    #[test]
    fn what_is_none_of_the_kinds_is_refused_with_what_to_do() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
        let video = b"\0\0\0\x18ftypisom\0\0\0\0hdlr\0\0\0\0\0\0\0\0videxxxx".to_vec();
        let said = |bytes: Vec<u8>| match prepare(bytes).unwrap_err() {
            Failure::Said { key, .. } => key,
            Failure::Pipe => String::new(),
        };
        for unknown in [heic, video, b"MZ and more".to_vec(), b"<svg/>".to_vec()] {
            assert_eq!(said(unknown), "err.attach.unknown");
        }
        let sound = b"\0\0\0\x18ftypM4A \0\0\0\0hdlr\0\0\0\0\0\0\0\0sounxxxx";
        assert_eq!(prepare(sound.to_vec()).unwrap().media, Media::M4a);
        let with_place = [&sound[..], b"\xa9xyz+23.01+113.02/"].concat();
        assert_eq!(said(with_place), "err.attach.place");
        assert_eq!(said(Vec::new()), "err.attach.empty");
        let photo = photo();
        for part in [200, photo.len() / 2] {
            let half = photo.get(..part).unwrap().to_vec();
            assert_eq!(said(half), "err.attach.picture");
        }
        assert_eq!(
            said(vec![0; BLOB_BYTES_MAX as usize + 1]),
            "err.attach.too_large"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fall_over(
            start in prop::sample::select(vec![&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBPVP8 ", b""]),
            rest in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let _said = prepare([start, &rest].concat());
        }

        #[test]
        fn no_photo_with_some_bytes_changed_makes_it_fall_over(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
            let mut photo = photo();
            for (at, byte) in changes {
                let at = at.index(photo.len());
                photo[at] = byte;
            }
            let _said = prepare(photo);
        }
    }
}
