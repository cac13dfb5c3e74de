//! Which addresses a request may go to: not the metadata services of clouds, not link-local ones.
//!
//! A plan that came by a pull request must not make salvor fetch the credentials of the machine it runs
//! on. The rule looks at resolved addresses, and the connection goes to the address that was looked at.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;

/// An address that requests do not go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is {address}, a link-local or metadata address: requests do not go there")]
pub(crate) struct Denied {
    host: String,
    address: IpAddr,
}

/// Resolves names and refuses those that lead, also in part, to a denied address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardedNames;

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            // Port 0 stands for the port of the URL.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            for address in &addresses {
                allow(&host, address.ip())?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Lets an address pass or says why not.
pub(crate) fn allow(host: &str, address: IpAddr) -> Result<(), Denied> {
    let is_denied = match address {
        IpAddr::V4(v4) => is_denied_v4(v4),
        IpAddr::V6(v6) => is_denied_v6(v6),
    };
    if is_denied {
        let host = host.to_owned();
        return Err(Denied { host, address });
    }
    Ok(())
}

fn is_denied_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        // The metadata services of Alibaba Cloud and Oracle Cloud, which are not link-local.
        || address == Ipv4Addr::new(100, 100, 100, 200)
        || address == Ipv4Addr::new(192, 0, 0, 192)
}

fn is_denied_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_denied_v4(Ipv4Addr::new(a, b, c, d))
    };
    address.is_unicast_link_local()
        || address.is_multicast()
        // The metadata service of AWS over IPv6.
        || address == Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)
        // IPv4 in IPv6: mapped and compatible, NAT64, 6to4.
        || (parts[..5] == [0; 5] && (parts[5] == 0xffff || parts[5] == 0) && embedded(parts[6], parts[7]))
        || (parts[..2] == [0x64, 0xff9b] && embedded(parts[6], parts[7]))
        || (parts[0] == 0x2002 && embedded(parts[1], parts[2]))
}

#[cfg(test)]
mod tests {
    use reqwest::dns::Resolve;

    use super::GuardedNames;
    use super::allow;

    #[test]
    fn metadata_addresses_are_denied_in_every_spelling() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "224.0.0.1",
        ] {
            let parsed = address.parse().expect("an address");
            assert!(allow("host", parsed).is_err(), "{address}");
        }
    }

    #[test]
    fn other_addresses_pass() {
        for address in [
            "127.0.0.1",
            "10.0.0.7",
            "::1",
            "fd00::7",
            "93.184.216.34",
            "2606:4700::1",
        ] {
            let parsed = address.parse().expect("an address");
            assert!(allow("host", parsed).is_ok(), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_denied_address_is_not_resolved() {
        let resolve = async |name: &str| {
            let name = name.parse().expect("a name");
            GuardedNames
                .resolve(name)
                .await
                .map(Iterator::count)
                .map_err(|error| error.to_string())
        };
        let error = resolve("169.254.169.254").await.expect_err("denied");
        assert!(
            error.starts_with("169.254.169.254 is 169.254.169.254, a link-local"),
            "{error}"
        );
        assert_eq!(resolve("127.0.0.1").await, Ok(1));
    }
}
