//! A native program by hand: says HELLO to a real relay over QUIC, and counts what it is told.

use super::wire::PATIENCE;
use cahoots::io::quic::{Endpoint, Target};
use cahoots::io::tls::Trust;
use cahoots::proto::wire::{Frame, FrameDecoder, Hello};
use cahoots::{RelayAddress, SessionId, ShareId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Returns how many frames come in answer, up to CLOSE or to the last wrap; `None` if nothing comes.
pub(crate) async fn hello(relay: &RelayAddress, session: SessionId, share: ShareId) -> Option<usize> {
    let trust = Trust::fingerprint(relay.fingerprint?);
    let mut channel = Endpoint::new().dial(&Target::relay(&relay.host, relay.port, trust)).await.ok()?;
    let hello = Frame::Hello(Hello { nonce: [7; 32], session, share });
    channel.writer.write_all(&hello.encode()).await.ok()?;
    let (mut decoder, mut buffer, mut frames) = (FrameDecoder::new(), vec![0; 65_536], 0);
    loop {
        let read = tokio::time::timeout(PATIENCE, channel.reader.read(&mut buffer)).await.ok()?.ok()?;
        decoder.push(&buffer[..read]);
        while let Some(frame) = decoder.next_frame().ok()? {
            frames += 1;
            if matches!(frame, Frame::Wrap(_) | Frame::Close(_)) {
                return Some(frames);
            }
        }
        if read == 0 {
            return (frames > 0).then_some(frames);
        }
    }
}
