//! The library inside another program, with a transport of that program's own.

use cahoots::{Access, Channel, Guest, Host, Lan, Screen, Size, Terms};

use super::stage::until;

/// A program that issues a link and hands it over in the same breath must not have to wait in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_is_good_as_soon_as_it_is_issued() {
    for _ in 0..50 {
        let host = Host::builder().lan(Lan::Off).start().await.unwrap();
        let pane = host.open_pane("demo", "built in", Size::new(20, 3)).unwrap();
        pane.write(b"hello").unwrap();
        let mut views = Vec::new();
        let (mut guests, mut visits) = (Vec::new(), tokio::task::JoinSet::new());
        let host = std::sync::Arc::new(host);
        for access in [Access::View, Access::Interact] {
            let (at_host, at_guest) = Channel::pair(65_536);
            let link = host.share(Terms::new(access)).unwrap();
            let serving = host.clone();
            visits.spawn(async move { serving.attach(at_host).await });
            let guest = Guest::builder(link).channel(at_guest).start().await.unwrap();
            views.push(guest.watch(pane.id()));
            guests.push(guest);
        }
        for view in &views {
            until("the screen", || view.with_screen(Screen::text)[0] == "hello").await;
        }
    }
}

/// The other end may be no host at all: the program is told at once, not after its patience.
#[tokio::test]
async fn transport_that_ends_early_is_an_error() {
    let host = Host::builder().lan(Lan::Off).start().await.unwrap();
    let link = host.share(Terms::new(Access::View)).unwrap();
    let (at_host, at_guest) = Channel::pair(1_024);
    drop(at_host);
    let patience = std::time::Duration::from_secs(3_600);
    let joined = Guest::builder(link).channel(at_guest).patience(patience).start().await;
    assert!(joined.is_err());
}
