//! Calls the host as the bytes of its input say: what a fuzzer drives.

use ringfence_sdk::prelude::*;

struct Scripted;

/// Takes numbers and texts from bytes that mean nothing.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> u64 {
        let mut number = 0_u64;
        // The first byte says how long it is: short ones are likely.
        for _ in 0..self.byte().unwrap_or(0) % 9 {
            number = number << 8 | u64::from(self.byte().unwrap_or(0));
        }
        number
    }

    fn text(&mut self) -> String {
        let len = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        // Now and then a long one.
        let times = match self.byte() {
            Some(255) => 10_000,
            _ => 1,
        };
        String::from_utf8_lossy(text).repeat(times)
    }
}

impl Agent for Scripted {
    type Input = Vec<u8>;
    type Output = u32;

    fn describe() -> Description {
        Description::new(
            "scripted",
            env!("CARGO_PKG_VERSION"),
            "calls the host as the bytes of its input say",
        )
        .role("test")
        .role("scripted")
    }

    fn execute(input: Vec<u8>, cx: &Context) -> Result<Outcome<u32>, Failure> {
        let mut script = Script(&input);
        let mut calls = 0;
        while let Some(call) = script.byte() {
            host_call(call, &mut script, cx);
            calls += 1;
        }
        Ok(Outcome::completed(calls))
    }
}

fn host_call(call: u8, script: &mut Script<'_>, cx: &Context) {
    match call % 12 {
        0 => {
            let (name, value) = (script.text(), script.text());
            cx.log().with(name, value).warn(script.text());
        }
        1 => {
            let fraction = f32::from_bits(script.number() as u32);
            cx.progress(Activity::Waiting, Some(fraction), script.text());
        }
        2 => {
            let (name, media_type) = (script.text(), script.text());
            let content = script.text();
            drop(cx.put_artifact(&name, &media_type, content.as_bytes()));
        }
        3 => {
            let mut artifact = match cx.put_artifact("a", "text/plain", b"a") {
                Ok(artifact) => artifact,
                Err(_) => return,
            };
            artifact.sha256 = script.text();
            drop(cx.get_artifact(&artifact));
        }
        4 => {
            let request = ringfence_sdk::ModelRequest::new().user(script.text());
            drop(cx.chat(&request));
        }
        5 => println!("{}", script.text()),
        6 => eprintln!("{}", script.text()),
        other => system_call(other, script),
    }
}

/// What the host answers does not matter here.
#[cfg(target_family = "wasm")]
fn ignore<T>(_: T) {}

#[cfg(target_family = "wasm")]
fn system_call(call: u8, script: &mut Script<'_>) {
    use wasip2::clocks::{monotonic_clock, wall_clock};
    use wasip2::filesystem::preopens::get_directories;
    use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
    use wasip2::random::random;
    use wasip2::sockets::ip_name_lookup::resolve_addresses;
    use wasip2::sockets::network::IpAddressFamily;
    use wasip2::sockets::{instance_network, tcp_create_socket, udp_create_socket};

    match call {
        7 => ignore(random::get_random_bytes(script.number())),
        8 => {
            let _ = (monotonic_clock::now(), wall_clock::now());
            let soon = monotonic_clock::subscribe_duration(script.number() % 1_000_000);
            let _ = soon.ready();
        }
        9 => {
            let Some((folder, _)) = get_directories().into_iter().next() else {
                return;
            };
            let flags = OpenFlags::from_bits_truncate(script.number() as u8);
            let access = DescriptorFlags::from_bits_truncate(script.number() as u8);
            let (path, other) = (script.text(), script.text());
            let opened = folder.open_at(PathFlags::SYMLINK_FOLLOW, &path, flags, access);
            if let Ok(file) = opened {
                ignore(file.write(script.text().as_bytes(), script.number()));
                ignore(file.read(script.number(), script.number()));
                ignore(file.set_size(script.number() % 100_000));
                ignore(file.stat());
                ignore(file.read_directory());
            }
            // One is dropped before its end, the other is asked beyond it.
            if let (Ok(one), Ok(other)) = (folder.read_directory(), folder.read_directory()) {
                ignore(one.read_directory_entry());
                for _ in 0..script.number() % 100 {
                    ignore(other.read_directory_entry());
                }
            }
            ignore(folder.link_at(PathFlags::empty(), &path, &folder, &other));
            ignore(folder.rename_at(&other, &folder, &path));
            ignore(folder.symlink_at(&other, &path));
            ignore(folder.readlink_at(&path));
            ignore(folder.create_directory_at(&path));
            ignore(folder.remove_directory_at(&other));
            ignore(folder.unlink_file_at(&other));
        }
        10 => {
            ignore(resolve_addresses(
                &instance_network::instance_network(),
                &script.text(),
            ));
            ignore(tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4));
            ignore(udp_create_socket::create_udp_socket(IpAddressFamily::Ipv6));
        }
        _ => ignore(vec![0_u8; (script.number() % (1 << 30)) as usize]),
    }
}

#[cfg(not(target_family = "wasm"))]
fn system_call(_: u8, _: &mut Script<'_>) {}

ringfence_sdk::register!(Scripted);
