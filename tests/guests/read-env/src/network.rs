//! The network.

use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use crate::Try;

pub(crate) fn tries(host: &str) -> Vec<Try> {
    vec![
        Try::new("look up a name", (host, 80).to_socket_addrs()),
        Try::new("connect by TCP", TcpStream::connect("127.0.0.1:9")),
        Try::new("listen by TCP", TcpListener::bind("127.0.0.1:0")),
        Try::new("bind by UDP", UdpSocket::bind("127.0.0.1:0")),
        Try::new(
            "send by UDP",
            UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", "127.0.0.1:9")),
        ),
    ]
}
