//! One entry through seal, sign, frame, verify, open; and the primitives it is made of.

use crate::figures::{Samples, head, row, time_us, times, us};
use crate::{Effort, Outcome};
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId, PaneId, SessionId};
use cahoots::proto::key::{MemberKeys, VerifyKey};
use cahoots::proto::lane::LaneVerifier;
use cahoots::proto::seal::{LaneReader, LaneWriter};
use cahoots::proto::wire::{Frame, FrameDecoder, WireEntry};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use ed25519_dalek::{Signer, SigningKey};
use std::hint::black_box;

const SESSION: SessionId = SessionId([1; 16]);
const SIZES: [usize; 3] = [256, 4_096, 32_768];
/// Bytes that a read from a socket gives.
const READ_BYTES: usize = 65_536;

/// Runs this part.
pub(crate) fn run(effort: Effort) -> Outcome {
    let (rounds, count) = (effort.pick(9, 1), effort.pick(400, 20));
    head(&[
        "entry",
        "seal + sign",
        "relay's verify",
        "verify + open",
        "frame",
        "unframe",
        "parts: sign",
        "verify",
        "seal",
    ]);
    for size in SIZES {
        let mut columns: [Samples; 8] = std::array::from_fn(|_| Samples::default());
        for _ in 0..rounds {
            let round = ours(size, count)?.into_iter().chain(parts(size, count)?);
            columns.iter_mut().zip(round).for_each(|(column, sample)| column.push_us(sample));
        }
        let [sealed, verified, opened, framed, unframed, sign, verify, seal] = columns.map(|column| column.median());
        let sealed = format!("{} ({} of sign + seal)", us(sealed), times(sealed, sign + seal));
        let verified = format!("{} ({} of verify)", us(verified), times(verified, verify));
        let opened = format!("{} ({} of verify + seal)", us(opened), times(opened, verify + seal));
        let size = format!("{size} B");
        row(&[&size, &sealed, &verified, &opened, &us(framed), &us(unframed), &us(sign), &us(verify), &us(seal)]);
    }
    Ok(())
}

/// Times seal, relay's verify, verify and open, frame, unframe.
fn ours(size: usize, count: usize) -> Outcome<[f64; 5]> {
    let (keys, secret) = (MemberKeys::from_seed([2; 32]), EpochSecret::from_bytes([3; 32]));
    let channel = Channel::terminal(PaneId(0)).ok_or("there is a first pane")?;
    let lane = LaneId { channel, author: AuthorId([4; 16]), epoch: Epoch(0) };
    let key = VerifyKey::try_from(keys.sign_public())?;
    let plaintext = vec![5; size];

    let mut writer = LaneWriter::new(SESSION, lane, &secret);
    let mut entries: Vec<WireEntry> = Vec::with_capacity(count);
    let sealed = time_us(count, |_| entries.push(writer.seal(1, &keys, &plaintext)));

    let mut verifier = LaneVerifier::new(SESSION, lane, key.clone());
    let verified = time_us(count, |at| {
        black_box(verifier.check(&entries[at]).is_ok());
    });
    let mut reader = LaneReader::new(SESSION, lane, key, &secret);
    let opened = time_us(count, |at| {
        black_box(reader.open(&entries[at]).is_ok());
    });
    if verifier.position().0 != count as u64 || reader.next_seq() != count as u64 {
        return Err("an honest entry was refused".into());
    }

    let mut frames = Vec::with_capacity(count);
    let framed = time_us(count, |at| frames.push(Frame::Entry(entries[at].as_bytes().clone()).encode()));
    let stream = frames.concat();
    let mut decoder = FrameDecoder::new();
    let mut frames = 0;
    let unframed = time_us(1, |_| {
        for piece in stream.chunks(READ_BYTES) {
            decoder.push(piece);
            while let Ok(Some(frame)) = decoder.next_frame() {
                frames += 1;
                black_box(frame);
            }
        }
    });
    if frames != count {
        return Err("a frame was lost".into());
    }
    Ok([sealed, verified, opened, framed, unframed / count as f64])
}

/// Times the primitives: sign and verify 32 bytes, seal `size` bytes.
fn parts(size: usize, count: usize) -> Outcome<[f64; 3]> {
    let signer = SigningKey::from_bytes(&[6; 32]);
    let key = signer.verifying_key();
    let mut digest = [7; 32];
    let mut signatures = Vec::with_capacity(count);
    let sign = time_us(count, |at| {
        digest[0] = at as u8;
        signatures.push((digest, signer.sign(&digest)));
    });
    let verify = time_us(count, |at| {
        let (digest, signature) = &signatures[at];
        black_box(key.verify_strict(digest, signature).is_ok());
    });
    let cipher = ChaCha20Poly1305::new(&[8; 32].into());
    let mut buffer = vec![9; size];
    let seal = time_us(count, |at| {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&(at as u64).to_le_bytes());
        black_box(cipher.encrypt_inout_detached(&nonce.into(), &[0; 84], buffer.as_mut_slice().into()).is_ok());
    });
    Ok([sign, verify, seal])
}
