//! Photos, recordings and papers: attached by one person, looked at by another.

use std::fs;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageBuffer, ImageEncoder as _, Rgb};
use serde_json::Value;

use crate::console::{Console, two_who_know_each_other};
use crate::review::carry;
use crate::run::Desk;

/// A photo that says where it was taken.
fn photo() -> Vec<u8> {
    let picture = ImageBuffer::from_fn(900, 600, |x, y| {
        let [red, green] = [x, y].map(|at| u8::try_from(at % 256).unwrap());
        Rgb([red, green, 90])
    });
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    // One entry: ImageDescription, sixteen letters.
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x0e\0\x02\0\0\0\x10\0\0\0\x1a\0\0\0\0".to_vec();
    exif.extend(b"PLACE 23.01 113\0");
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(&picture).unwrap();
    bytes
}

fn says_where(bytes: &[u8]) -> bool {
    bytes.windows(5).any(|word| word == b"PLACE")
}

fn attach(desk: &Desk, record: &str, name: &str, bytes: &[u8]) -> String {
    let file = desk.file(name, bytes);
    let said = desk.run(["attach", record, file.to_str().unwrap()]).ok();
    said.out.trim().to_owned()
}

fn attachments(desk: &Desk, record: &str) -> Vec<Value> {
    let all = desk.run(["--json", "attachments", record]).ok().json();
    all.as_array().unwrap().clone()
}

#[test]
fn photo_reaches_a_colleague_without_the_place_where_it_was_taken() {
    let (_served, lead, other) = two_who_know_each_other();
    let visit = other.put_visit("5号门 陈家");
    assert!(says_where(&photo()));
    let attached = attach(&other, &visit, "lamp.jpg", &photo());
    let alone = &attachments(&other, &visit)[0];
    assert_eq!(alone["name"], "lamp");
    assert_eq!(alone["media"], "jpeg");
    assert_eq!(alone["original"]["is_here"], true);
    assert_eq!(alone["original"]["is_elsewhere"], false);
    carry(&other, &lead);
    let at_lead = &attachments(&lead, &visit)[0];
    for part in ["preview", "original"] {
        assert_eq!(at_lead[part]["is_here"], true, "{part}: {at_lead}");
        assert_eq!(at_lead[part]["is_elsewhere"], true, "{part}: {at_lead}");
    }
    for (file, more, width) in [("a.jpg", &[][..], 900), ("b.jpg", &["--preview"][..], 480)] {
        let file = lead.path(file);
        let path = file.to_str().unwrap();
        let save = [&["save-attachment", &attached, path][..], more].concat();
        lead.run(&save).ok();
        let bytes = fs::read(&file).unwrap();
        assert!(!says_where(&bytes));
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), width);
        lead.run(&save).fails(2);
        assert_eq!(fs::read(&file).unwrap(), bytes, "nothing is written over");
        lead.run([&save[..], &["--force"]].concat()).ok();
    }
    let shown = lead.run(["show", &visit]).ok().out;
    assert!(
        shown.contains("Attached:") && shown.contains("lamp"),
        "{shown}"
    );
    let sheet = lead.run([
        "export",
        "--format",
        "csv",
        "--kind",
        "attachment",
        "--personal",
    ]);
    let key = sheet
        .out
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.len() > 100);
    assert!(!key, "no key of a file goes out in a table: {}", sheet.out);
}

#[test]
fn file_that_cannot_be_attached_is_refused_and_changes_nothing() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("5号门 陈家");
    let photo = photo();
    let (half, _) = photo.split_at(photo.len() / 3);
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    for (name, bytes, why) in [
        ("empty.jpg", &b""[..], "nothing in this file"),
        ("half.jpg", half, "does not open"),
        ("photo.heic", heic, "can send them as JPEG"),
        ("page.html", b"<html>", "none of the kinds"),
    ] {
        let file = desk.file(name, bytes);
        let told = desk
            .run(["attach", &visit, file.to_str().unwrap()])
            .fails(15);
        assert!(told.contains(why), "{name}: {told}");
    }
    assert!(attachments(&desk, &visit).is_empty());
    let nowhere = desk.path("none.jpg");
    desk.run(["attach", &visit, nowhere.to_str().unwrap()])
        .fails(15);
    let out = desk.path("out.jpg");
    let told = desk
        .run(["save-attachment", &visit, out.to_str().unwrap()])
        .fails(4);
    assert!(told.contains("is no attachment"), "{told}");
    assert!(!out.exists());
}

#[test]
fn erased_attachment_is_gone_from_the_record() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("5号门 陈家");
    let attached = attach(&desk, &visit, "a.pdf", b"%PDF-1.4 minutes");
    desk.run(["erase", &attached, "--yes"]).ok();
    assert!(attachments(&desk, &visit).is_empty());
    let out = desk.path("out.pdf");
    desk.run(["save-attachment", &attached, out.to_str().unwrap()])
        .fails(4);
}

#[test]
fn page_of_a_record_shows_pictures_only_with_what_is_personal() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("5号门 陈家");
    let attached = attach(&desk, &visit, "lamp.jpg", &photo());
    let console = Console::entered(&desk);
    let page = format!("/record/{visit}");
    let preview = format!("/attached/{attached}/preview");
    for of in [page, format!("/record/{attached}")] {
        let masked = console.get(&of).body;
        assert!(
            !masked.contains(&preview) && !masked.contains(">lamp<"),
            "{masked}"
        );
        let open = console.get(&format!("{of}?personal=1")).body;
        assert!(open.contains(&format!("src=\"{preview}\"")), "{open}");
    }
    for (address, kind) in [
        (preview, "image/jpeg"),
        (format!("/attached/{attached}/original"), "image/jpeg"),
    ] {
        let bytes = console.get(&address);
        assert_eq!(bytes.status, 200);
        assert_eq!(bytes.header("content-type"), Some(kind));
        assert_eq!(bytes.header("x-content-type-options"), Some("nosniff"));
        assert!(bytes.header("cache-control").unwrap().contains("no-store"));
        let stranger = Console::of(&desk);
        assert_ne!(
            stranger.get(&address).status,
            200,
            "who has not come in gets nothing"
        );
    }
    for nothing in [
        format!("/attached/{visit}/original"),
        format!("/attached/{attached}/else"),
    ] {
        assert_eq!(console.get(&nothing).status, 404, "{nothing}");
    }
}

#[test]
fn file_is_attached_on_the_page_or_refused_beside_its_form() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("5号门 陈家");
    let console = Console::entered(&desk);
    let page = format!("/record/{visit}");
    let form = format!("{page}/attach");
    let csrf = console.get(&page).hidden("csrf");
    let fields = [("csrf", csrf.as_str()), ("name", "会议记录")];
    let refused = console.send_file(&form, &fields, ("a.html", "<script>alert(1)</script>"));
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("id=\"att-e\""), "{}", refused.body);
    let stranger = console.send_file(&form, &[("name", "x")], ("a.pdf", "%PDF-1.4 x"));
    assert_eq!(stranger.status, 403);
    assert!(attachments(&desk, &visit).is_empty());
    let taken = console.send_file(&form, &fields, ("a.pdf", "%PDF-1.4 minutes"));
    assert_eq!(taken.status, 303, "{}", taken.body);
    let all = attachments(&desk, &visit);
    assert_eq!(all[0]["name"], "会议记录");
    assert_eq!(all[0]["media"], "pdf");
    assert_eq!(all[0]["original"]["bytes"], 16);
    let shown = console.get(&format!("{page}?personal=1")).body;
    let record = all[0]["record"].as_str().unwrap();
    let original = format!("/attached/{record}/original");
    assert!(shown.contains(&format!("href=\"{original}\"")), "{shown}");
    let bytes = console.get(&original);
    assert_eq!(bytes.body, "%PDF-1.4 minutes");
    // What a browser would open as more than a picture or a sound is only kept.
    assert_eq!(bytes.header("content-disposition"), Some("attachment"));
}
