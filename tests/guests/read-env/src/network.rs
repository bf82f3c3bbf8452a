//! The network, asked for by the interfaces themselves: not every standard
//! library that builds for the sandbox has sockets.

use crate::Try;

#[cfg(target_family = "wasm")]
pub(crate) fn tries(host: &str) -> Vec<Try> {
    vec![
        Try::new("look up a name", look_up(host)),
        Try::new("connect by TCP", connect()),
        Try::new("listen by TCP", listen()),
        Try::new("bind by UDP", bind_udp()),
    ]
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn tries(_: &str) -> Vec<Try> {
    Vec::new()
}

#[cfg(target_family = "wasm")]
use sandbox::{bind_udp, connect, listen, look_up};

#[cfg(target_family = "wasm")]
mod sandbox {
    use wasip2::sockets::instance_network::instance_network;
    use wasip2::sockets::ip_name_lookup::resolve_addresses;
    use wasip2::sockets::network::{
        ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
    };
    use wasip2::sockets::tcp_create_socket::create_tcp_socket;
    use wasip2::sockets::udp_create_socket::create_udp_socket;

    const fn loopback(port: u16) -> IpSocketAddress {
        IpSocketAddress::Ipv4(Ipv4SocketAddress {
            port,
            address: (127, 0, 0, 1),
        })
    }

    /// Repeats what would block until it has an answer.
    fn wait<T>(mut ask: impl FnMut() -> Result<T, ErrorCode>) -> Result<T, ErrorCode> {
        loop {
            match ask() {
                Err(ErrorCode::WouldBlock) => {}
                answer => return answer,
            }
        }
    }

    pub(super) fn look_up(host: &str) -> Result<(), ErrorCode> {
        let answers = resolve_addresses(&instance_network(), host)?;
        wait(|| answers.resolve_next_address()).map(drop)
    }

    pub(super) fn connect() -> Result<(), ErrorCode> {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
        socket.start_connect(&instance_network(), loopback(9))?;
        wait(|| socket.finish_connect()).map(drop)
    }

    pub(super) fn listen() -> Result<(), ErrorCode> {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
        socket.start_bind(&instance_network(), loopback(0))?;
        wait(|| socket.finish_bind())?;
        socket.start_listen()?;
        wait(|| socket.finish_listen())
    }

    pub(super) fn bind_udp() -> Result<(), ErrorCode> {
        let socket = create_udp_socket(IpAddressFamily::Ipv4)?;
        socket.start_bind(&instance_network(), loopback(0))?;
        wait(|| socket.finish_bind())
    }
}
