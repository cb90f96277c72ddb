//! A checkpoint from a host that means harm: whoever adopts it holds what those hold who were there all along.

use crate::cast;
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::AuthorId;
use cahoots::proto::wire::{Reader, varint};

const NEWCOMER: AuthorId = AuthorId([2; 16]);

/// The first byte chooses the document (1), and whether the rest is a plaintext (2), or changes as in
/// [`gate`](crate::gate) behind a piece that says where to change what the host made of them: the place as a `u16`, how
/// many bytes to take out, and what to put there.
pub fn run(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else { return };
    let kind = if mode & 1 == 0 { DocKind::State } else { DocKind::Chat };
    if mode & 2 == 2 {
        return refused(kind, rest);
    }
    let mut pieces = cast::pieces(rest);
    let Some(change) = pieces.next() else { return };
    let mut host = talk(kind, pieces);
    let heads = host.heads_digest();
    let Ok(plaintext) = host.save_checkpoint() else { return };
    check_same(&adopted(kind, &plaintext, &heads).expect("what was saved is adopted"), &host);

    let packed = unpacked(&plaintext);
    let stored = plaintext_of(&packed);
    check_same(&adopted(kind, &stored, &heads).expect("deflate has many forms"), &host);
    let Some((&[low, high, out], put)) = change.split_first_chunk() else { return };
    let at = usize::from(u16::from_le_bytes([low, high])) % (packed.len() + 1);
    let behind = packed.get(at + usize::from(out)..).unwrap_or_default();
    let changed = [&packed[..at], put, behind].concat();
    if let Some(document) = adopted(kind, &plaintext_of(&changed), &heads) {
        check_same(&document, &host);
    }
    refused(kind, &plaintext_of(&changed));
}

/// No document has these heads.
fn refused(kind: DocKind, plaintext: &[u8]) {
    assert!(adopted(kind, plaintext, &[0; 32]).is_none(), "the record vouches for the heads");
}

fn adopted(kind: DocKind, plaintext: &[u8], heads: &[u8; 32]) -> Option<Document> {
    let mut document = Document::new(kind, NEWCOMER);
    let before = document.heads_digest();
    let is_taken = document.adopt_checkpoint(plaintext, heads).is_ok();
    assert!(is_taken || document.heads_digest() == before, "a refused checkpoint leaves no trace");
    assert!(!is_taken || document.heads_digest() == *heads);
    is_taken.then_some(document)
}

fn talk<'a>(kind: DocKind, pieces: impl Iterator<Item = &'a [u8]>) -> Document {
    let authors = [cast::ada(), cast::ben(), AuthorId([9; 16])];
    let mut document = Document::new(kind, AuthorId([1; 16]));
    for (&mode, chunk) in pieces.filter_map(<[u8]>::split_first) {
        let author = authors[usize::from(mode & 0x7f) % authors.len()];
        document.handle_payload(author, cast::chunk(mode & 0x80 != 0, chunk).into());
    }
    document.flush();
    document
}

fn check_same(one: &Document, other: &Document) {
    assert_eq!(one.heads(), other.heads());
    assert_eq!((one.messages(), one.state()), (other.messages(), other.state()));
}

/// What the host deflated. PROTOCOL.md 12.1.
fn unpacked(plaintext: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(plaintext);
    reader.u8().expect("a version");
    let length = reader.varint().expect("a length");
    let mut inflate = flate2::Decompress::new(false);
    let mut packed = Vec::with_capacity(usize::try_from(length).expect("a length that fits"));
    inflate.decompress_vec(reader.rest(), &mut packed, flate2::FlushDecompress::Finish).expect("raw deflate");
    assert_eq!(packed.len() as u64, length);
    packed
}

/// A checkpoint in stored blocks of deflate.
fn plaintext_of(packed: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    varint::put(&mut out, packed.len() as u64);
    let mut blocks = packed.chunks(usize::from(u16::MAX)).peekable();
    if packed.is_empty() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}
