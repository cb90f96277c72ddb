//! A gateway behind a proxy: all connections come from one address, for many.

use super::*;
use crate::proto::relay::Network;

async fn behind(proxies: &[&str], limits: ListenLimits) -> Gateway {
    let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
    let options = GatewayOptions { proxies, limits, ..GatewayOptions::default() };
    Gateway::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], None, options).await.unwrap()
}

/// Opens a socket as the proxy does for a visitor, with these fields.
async fn dial_for(gateway: &Gateway, named: &[&str]) -> Result<Socket, Error> {
    let mut request = format!("ws://{}/ws", gateway.local_addresses()[0]).into_client_request()?;
    for named in named {
        request.headers_mut().append("x-forwarded-for", named.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

/// Whoever guesses links must use up their own tries, and not those of everybody who comes by the same proxy; and what
/// visitors say of themselves counts for nothing.
#[tokio::test]
async fn visitors_of_a_trusted_proxy_are_told_apart() {
    let mut gateway = behind(&["192.0.2.99", "127.0.0.1"], ListenLimits::RELAY).await;
    for (named, expected) in [
        (&["192.0.2.1"][..], "192.0.2.1"),
        (&["192.0.2.7, 192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.7", "192.0.2.8,192.0.2.1"], "192.0.2.1"),
        (&["2001:db8::1"], "2001:db8::2"),
        (&["[2001:db8::1]:5000"], "2001:db8::2"),
        (&["192.0.2.1:5000"], "192.0.2.1"),
        (&["192.0.2.1, unknown"], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        let _socket = dial_for(&gateway, named).await.unwrap();
        let channel = gateway.accept().await.unwrap();
        assert_eq!(channel.network, Some(Network::of(expected.parse().unwrap())), "{named:?}");
    }
}

/// Anybody can write what proxies write.
#[tokio::test]
async fn nobody_else_is_believed_for_whom_they_come() {
    for proxies in [&[][..], &["192.0.2.99"]] {
        let mut gateway = behind(proxies, ListenLimits::RELAY).await;
        let _socket = dial_for(&gateway, &["192.0.2.1"]).await.unwrap();
        assert_eq!(gateway.accept().await.unwrap().network, Some(Network::of(Ipv4Addr::LOCALHOST.into())));
    }
}

/// One visitor must not take the places of all others, nor all visitors together have those of one.
#[tokio::test]
async fn visitors_have_places_of_their_own() {
    let gateway = behind(&["127.0.0.1"], ListenLimits { connections_per_network_max: 2, ..ListenLimits::RELAY }).await;
    let _two = (dial_for(&gateway, &["192.0.2.1"]).await.unwrap(), dial_for(&gateway, &["192.0.2.1"]).await.unwrap());
    let refused = dial_for(&gateway, &["192.0.2.1"]).await;
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 503));
    assert!(dial_for(&gateway, &["192.0.2.2"]).await.is_ok());
    assert_eq!(status(&ask(&gateway, "/", "host: localhost\r\n").await), "200");
}
