//! Where the viewer page can be opened from, and who is of the local network. Asks the system for
//! its addresses, which takes microseconds and sends nothing.

use crate::publish::srt_url::address_towards;
use crate::session::Secret;
use std::net::{IpAddr, Ipv4Addr};

/// A network that this machine is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// This machine's address in it.
    pub address: Ipv4Addr,
    /// Bits of it that all in the network have in common.
    pub prefix: u8,
}

impl Network {
    fn has(&self, other: Ipv4Addr) -> bool {
        let shift = 32 - u32::from(self.prefix.min(32));
        let net = |a: Ipv4Addr| u32::from(a).checked_shr(shift);
        self.prefix > 0 && net(self.address) == net(other)
    }
}

/// Networks of this machine, the one with the way out first; loopback, links without a router and
/// the inner networks of containers and virtual machines are left out.
pub fn networks() -> Vec<Network> {
    let mut found: Vec<Network> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !is_inner(&interface.name))
        .filter_map(|interface| match interface.addr {
            if_addrs::IfAddr::V4(v4) if !v4.ip.is_loopback() && !v4.ip.is_link_local() => {
                Some(Network {
                    address: v4.ip,
                    prefix: v4.prefixlen,
                })
            }
            _ => None,
        })
        .collect();
    let out = way_out();
    found.sort_by_key(|network| Some(network.address) != out);
    found.dedup();
    found
}

fn is_inner(name: &str) -> bool {
    [
        "docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "lxc",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// The address that packets to elsewhere come from. Connecting a UDP socket sends nothing.
fn way_out() -> Option<Ipv4Addr> {
    // TEST-NET-1 (RFC 5737): nobody's address.
    let far = (Ipv4Addr::new(192, 0, 2, 1), 9).into();
    match address_towards(far).ok()? {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    }
}

/// Names under which the local network knows this machine, in small letters.
pub fn names() -> Vec<String> {
    let Ok(name) = sysinfo::System::host_name() else {
        return Vec::new();
    };
    let name = name.to_ascii_lowercase();
    let short = name.split('.').next().unwrap_or_default().to_owned();
    vec![format!("{short}.local"), short, name]
}

/// Whether the page may answer `peer`: this machine, a private network, or one that this machine is
/// itself in. Where a machine stands in the open internet "everyone on this network" is not everyone.
pub fn is_local(peer: IpAddr, networks: &[Network]) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || networks.iter().any(|network| network.has(v4))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Addresses of the page, the best first; who opens it needs the key too, see [`with_key`].
pub fn links(port: u16, lan: bool, networks: &[Network]) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    if lan {
        links.extend(
            networks
                .iter()
                .map(|n| format!("http://{}:{port}/", n.address)),
        );
    }
    links.push(format!("http://127.0.0.1:{port}/"));
    links
}

/// The whole links: each with the key of the page.
pub fn with_key(links: &[String], key: &Secret) -> Vec<String> {
    let whole = |link: &String| format!("{link}{}/", key.expose());
    links.iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: [u8; 4], prefix: u8) -> Network {
        Network {
            address: address.into(),
            prefix,
        }
    }

    #[test]
    fn the_open_internet_is_not_this_network() {
        let here = [network([203, 0, 113, 9], 24), network([0, 0, 0, 0], 0)];
        let local = |peer: &str| is_local(peer.parse().unwrap(), &here);
        for peer in [
            "127.0.0.1",
            "192.168.3.4",
            "10.1.2.3",
            "172.16.0.1",
            "169.254.1.1",
            "203.0.113.200",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:192.168.3.4",
        ] {
            assert!(local(peer), "{peer}");
        }
        for peer in ["203.0.114.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!local(peer), "{peer}");
        }
    }

    #[test]
    fn a_link_to_the_network_is_given_only_where_it_is_open() {
        let here = [network([192, 168, 0, 7], 24)];
        assert_eq!(links(8880, false, &here), ["http://127.0.0.1:8880/"]);
        assert_eq!(
            links(8880, true, &here),
            ["http://192.168.0.7:8880/", "http://127.0.0.1:8880/"]
        );
        assert_eq!(links(81, true, &[]), ["http://127.0.0.1:81/"]);
    }

    #[test]
    fn this_machines_networks_are_no_loopback() {
        for network in networks() {
            assert!(!network.address.is_loopback(), "{network:?}");
        }
    }
}
