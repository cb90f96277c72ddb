//! Browsers on the local network: the host serves the viewer itself, and its own hall answers, as for guests nearby.

use super::{Host, HostBuilder, HostError, reach};
use crate::io::gateway::{Gateway, GatewayOptions, Names, ServedBy};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// Where browsers come to, and by which names.
#[derive(Clone, Debug)]
pub(super) struct Place {
    address: SocketAddr,
    names: Names,
}

/// The way in for browsers, for as long as this lives.
pub(super) struct Browsers {
    addresses: Vec<SocketAddr>,
    stop: oneshot::Sender<()>,
    closed: JoinHandle<()>,
}

impl Browsers {
    /// Takes no more of them, and waits until the others have heard all that there is to tell.
    pub(super) async fn close(self) {
        drop(self.stop);
        let _ = self.closed.await;
    }
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

    pub(super) async fn serve_browsers(&mut self, place: Place) -> Result<(), HostError> {
        let options =
            || GatewayOptions { names: place.names.clone(), served_by: ServedBy::Host, ..GatewayOptions::default() };
        let bound = Gateway::bind(&[place.address], None, options()).await;
        let mut gateway = match bound {
            // Of the two kinds of addresses this machine may have the older one alone.
            Err(_) if place.address.is_ipv6() && place.address.ip().is_unspecified() => {
                let older = SocketAddr::from((Ipv4Addr::UNSPECIFIED, place.address.port()));
                Gateway::bind(&[older], None, options()).await?
            }
            bound => bound?,
        };
        let addresses = gateway.local_addresses().to_vec();
        let (core, hall) = (self.session.core.clone(), self.hall.clone());
        let (stop, mut stopped) = oneshot::channel::<()>();
        let closed = tokio::spawn(async move {
            let mut guests = JoinSet::new();
            loop {
                tokio::select! {
                    channel = gateway.accept() => {
                        let Some(channel) = channel else { return };
                        let (core, hall) = (core.clone(), hall.clone());
                        guests.spawn(async move { reach::receive(&core, &hall, channel).await });
                    }
                    Some(_) = guests.join_next() => {}
                    _ = &mut stopped => break,
                }
            }
            guests.shutdown().await;
            gateway.close().await;
        });
        self.browsers = Some(Browsers { addresses, stop, closed });
        Ok(())
    }
}
