//! A passphrase must not be found by trying.

use super::*;
use crate::proto::limits::SHARE_GUESSES_PER_MINUTE;

fn network(last: u8) -> Network {
    Network::of([192, 0, 2, last].into())
}

impl World {
    fn dial_from(&mut self, network: Network, share: ShareId) -> Mail {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.hall.handle_open_from(conn, network, self.now);
        let session = self.session.id();
        let _ = self.send(conn, Frame::Hello(Hello { nonce: [3; 32], session, share }));
        let mail = self.drain(conn);
        self.hall.handle_close(conn, self.now);
        mail
    }
}

/// Five tries in a minute, and then not even the right name shows that it is right.
#[test]
fn network_has_few_guesses_whatever_it_names() {
    let mut world = World::new();
    let known = world.view.secret.share_id();
    for n in 0..SHARE_GUESSES_PER_MINUTE as u8 {
        assert_eq!(world.dial_from(network(1), known).close, None, "a right name is no guess");
        let mail = world.dial_from(network(1), ShareId([n; 16]));
        assert_eq!((mail.welcome().standing, mail.close), (Standing::ShareUnknown, Some(CloseCode::ShareUnknown)));
    }
    for share in [known, ShareId([99; 16])] {
        assert_eq!(world.dial_from(network(1), share).frames, [Frame::Close(CloseCode::ShareUnknown)]);
    }
    assert_eq!(world.dial_from(network(2), known).close, None, "others are not held up");
    let cat = world.viewer();
    assert!(world.dial(&cat).1.is_ready(), "nor who is in the same process");

    let host = world.host;
    world.pass_s(60, &[host]);
    assert_eq!(world.dial_from(network(1), known).close, None, "a minute later it may try again");
}

/// A relay that lost everything knows no share: who comes back to it is not guessing.
#[test]
fn unknown_session_is_no_guess() {
    let mut world = World::without_host(HallLimits::default());
    let share = world.view.secret.share_id();
    for _ in 0..20 {
        assert_eq!(world.dial_from(network(1), share).welcome().standing, Standing::SessionUnknown);
    }
}
