//! Browsers on the local network: the host serves the viewer itself, and its own hall answers, as for guests nearby.

use super::reach::Entrance;
use super::{Host, HostBuilder, HostError};
use crate::io::gateway::{Gateway, GatewayOptions, Names, ServedBy};
use crate::proto::token::Link;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// Where browsers come to, and by which names.
#[derive(Clone, Debug)]
pub(super) struct Place {
    address: SocketAddr,
    names: Names,
}

/// The way in for browsers, for as long as this lives.
pub(super) struct Browsers {
    addresses: Vec<SocketAddr>,
    pub(super) entrance: Entrance,
}

impl HostBuilder {
    /// Serves the viewer to browsers on the local network, by HTTP at this TCP address; port 0 takes any, and names need
    /// no mention where browsers come by addresses in figures.
    ///
    /// What is said stays encrypted from end to end. The page itself does not: who controls the network can change it,
    /// and so read along. Guests who run `cahoots view` have their own.
    pub fn web(mut self, address: SocketAddr, names: Names) -> Self {
        self.web = Some(Place { address, names });
        self
    }
}

impl Host {
    /// Returns the TCP addresses that browsers come to, with the port that the system chose; none unless that is on.
    #[must_use]
    pub fn web_addrs(&self) -> &[SocketAddr] {
        self.browsers.as_ref().map_or(&[], |browsers| &browsers.addresses)
    }

    /// Returns the address by which browsers on this network come by `link`; nothing unless [`web`](HostBuilder::web)
    /// lets them. It is as secret as the link.
    #[must_use]
    pub fn web_link(&self, link: &Link) -> Option<String> {
        let mut address = *self.web_addrs().first()?;
        if address.ip().is_unspecified() {
            address.set_ip(own_address());
        }
        Some(link.reveal_at_host(&format!("http://{address}")))
    }

    pub(super) async fn serve_browsers(&mut self, place: Place) -> Result<(), HostError> {
        let options =
            || GatewayOptions { names: place.names.clone(), served_by: ServedBy::Host, ..GatewayOptions::default() };
        let bound = Gateway::bind(&[place.address], None, options()).await;
        let gateway = match bound {
            // Of the two kinds of addresses this machine may have the older one alone.
            Err(_) if place.address.is_ipv6() && place.address.ip().is_unspecified() => {
                let older = SocketAddr::from((Ipv4Addr::UNSPECIFIED, place.address.port()));
                Gateway::bind(&[older], None, options()).await?
            }
            bound => bound?,
        };
        let addresses = gateway.local_addresses().to_vec();
        self.browsers = Some(Browsers { addresses, entrance: Entrance::open(self, gateway) });
        Ok(())
    }
}

/// Returns an address of this machine that others on its network can reach; IPv4 first, which people can type.
fn own_address() -> IpAddr {
    // Addresses for documentation (RFC 5737, RFC 3849): nothing is sent there, only the way there is looked up.
    let routed = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")].into_iter().find_map(|(own, far)| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(far).ok()?;
        socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback())
    });
    routed.or_else(listed_address).unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// Returns an address of a network that leads nowhere else.
#[cfg(feature = "lan")]
fn listed_address() -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|ip| !ip.is_loopback() && !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()));
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.first().copied()
}

#[cfg(not(feature = "lan"))]
fn listed_address() -> Option<IpAddr> {
    None
}
