//! Turns "a free port" into one that stays free for its holder.
//!
//! To bind port 0 and read the number back is luck: until the server binds it, another test may be given the
//! same number, and a client of anything may use it as its own end. So ports are taken from below the range
//! of client ends, and each is reserved machine-wide by an abstract socket of its number, which the kernel
//! frees when the holder ends by any means. What is left, a foreign server on the same number, is seen when
//! the port is tried, or by the server, and another port is taken.

use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

/// The first port that is given out.
const FIRST: u16 = 20_000;

/// How many ports there are. Linux gives clients 32768 and above.
const COUNT: u16 = 10_000;

/// Spreads processes over the range; prime to `COUNT`, so that neighbours start far apart.
const STRIDE: u32 = 977;

/// How many ports this process has tried, so that a number is not given out again at once: a late client of
/// the server that had it before must not reach another.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// A loopback port that is reserved among all users of the test bed until this value is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _reservation: UnixDatagram,
}

impl Port {
    /// Reserves a port on which nothing listens.
    ///
    /// # Errors
    /// All ten thousand ports are taken.
    pub fn reserve() -> Result<Port> {
        let first = std::process::id().wrapping_mul(STRIDE);
        for _ in 0..COUNT {
            let offset =
                first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % u32::from(COUNT);
            let number = FIRST + u16::try_from(offset).context("an offset below the count fits")?;
            if let Ok(port) = Port::fixed(number) {
                return Ok(port);
            }
        }
        bail!("no port from {FIRST} on is free")
    }

    /// Reserves this port.
    ///
    /// # Errors
    /// It is reserved already, or something listens there.
    pub fn fixed(number: u16) -> Result<Port> {
        let doing = || format!("reserve port {number}");
        let address = SocketAddr::from_abstract_name(format!("salvor-testbed-port-{number}"))
            .with_context(doing)?;
        let reservation = UnixDatagram::bind_addr(&address).with_context(doing)?;
        drop(TcpListener::bind((Ipv4Addr::LOCALHOST, number)).with_context(doing)?);
        Ok(Port {
            number,
            _reservation: reservation,
        })
    }

    /// Returns the number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn a_reserved_port_is_not_given_out_again() {
        let port = Port::reserve().expect("a port is free");
        assert!(Port::fixed(port.number()).is_err());
        let number = port.number();
        drop(port);
        assert!(Port::fixed(number).is_ok());
    }
}
