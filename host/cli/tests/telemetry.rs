//! The host's log and its traces, as those see them who receive them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use support::{Ended, plugins, ringfence};

const WORKFLOW: &str = "version: 1
name: traced
defaults: { retry: { max_retries: 0 } }
tasks:
  put: { role: put-artifacts, input: { count: 200, bytes: 1 } }
  each: { role: echo, needs: [put], for_each: 'range(2)', input: { n: 1 } }
  inside: { workflow: inner.yaml, needs: [put], input: {} }
  wrong: { role: fail, needs: [each, inside], input: { kind: permanent, message: it cannot be done } }
";
const INNER: &str = "version: 1\nname: inner\ntasks:\n  only: { role: echo, input: { b: 1 } }\n";

fn stage() -> tempfile::TempDir {
    let folder = plugins(&["echo", "fail", "put-artifacts", "flood-log"]);
    fs::write(folder.path().join("w.yaml"), WORKFLOW).unwrap();
    fs::write(folder.path().join("inner.yaml"), INNER).unwrap();
    folder
}

fn say(folder: &tempfile::TempDir, args: &[&str]) -> Ended {
    let mut command = ringfence(folder.path());
    command.args(args).args(["--no-journal", "--no-control"]);
    command.args(["--plugins", "."]);
    command.output().unwrap().into()
}

/// A collector: takes what is sent to it until nobody sends any more.
struct Collector {
    address: String,
    received: thread::JoinHandle<Vec<Span>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let received = thread::spawn(move || {
            let mut spans = Vec::new();
            loop {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream);
                while let Some((head, body)) = request(&mut reader) {
                    if head.starts_with("GET /over ") {
                        return spans;
                    }
                    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                    assert!(head.contains("application/x-protobuf"), "{head}");
                    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
                    for of_resource in request.resource_spans {
                        let resource = of_resource.resource.unwrap();
                        let service = &resource.attributes;
                        assert!(service.iter().any(|known| known.key == "service.name"));
                        let scopes = of_resource.scope_spans.into_iter();
                        spans.extend(scopes.flat_map(|scope| scope.spans));
                    }
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    reader.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        Self { address, received }
    }

    fn spans(self) -> Vec<Span> {
        let place = self.address.strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(place).unwrap();
        stream.write_all(b"GET /over HTTP/1.1\r\n\r\n").unwrap();
        self.received.join().unwrap()
    }
}

/// The head and the body of a request; none if nothing follows.
fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Some((head, body))
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|known| known.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        AnyValue::StringValue(text) => text.clone(),
        AnyValue::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

/// The names of a span and of those around it, from the outermost on.
fn path(spans: &[Span], span: &Span) -> String {
    let around = spans
        .iter()
        .find(|other| other.span_id == span.parent_span_id);
    match around {
        Some(around) => format!("{} > {}", path(spans, around), span.name),
        None => {
            assert!(
                span.parent_span_id.is_empty(),
                "{} has lost its parent",
                span.name
            );
            span.name.clone()
        }
    }
}

#[test]
fn a_collector_gets_the_run_its_tasks_attempts_and_host_calls() {
    let folder = stage();
    let collector = Collector::start();
    let run = ["run", "w.yaml", "--id", "r-1", "--otlp", &collector.address];
    say(&folder, &run).expect(1);
    let spans = collector.spans();
    let trace = &spans[0].trace_id;
    assert!(
        spans.iter().all(|span| span.trace_id == *trace),
        "one trace"
    );
    let mut paths: Vec<_> = spans.iter().map(|span| path(&spans, span)).collect();
    let is_host_call = |path: &str| path.ends_with(".put") || path.ends_with(".insecure-seed");
    paths.retain(|path| !is_host_call(path));
    paths.sort();
    assert_eq!(
        paths,
        [
            "run traced",
            "run traced > task each",
            "run traced > task each > task each",
            "run traced > task each > task each",
            "run traced > task each > task each > attempt echo",
            "run traced > task each > task each > attempt echo",
            "run traced > task inside",
            "run traced > task inside > run inner",
            "run traced > task inside > run inner > task only",
            "run traced > task inside > run inner > task only > attempt echo",
            "run traced > task put",
            "run traced > task put > attempt put-artifacts",
            "run traced > task wrong",
            "run traced > task wrong > attempt fail",
        ]
    );
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let run = named("run traced");
    assert_eq!(attribute(run, "run").as_deref(), Some("r-1"));
    assert_eq!(attribute(run, "status").as_deref(), Some("failed"));
    let failed = named("attempt fail");
    assert_eq!(attribute(failed, "agent").as_deref(), Some("fail"));
    let status = failed.status.as_ref().unwrap();
    assert_eq!(status.code, 2, "an error");
    assert!(status.message.contains("it cannot be done"), "{status:?}");
    assert!(named("attempt echo").status.as_ref().unwrap().code != 2);

    // A guest that calls the host without end does not crowd out the rest.
    let put = named("attempt put-artifacts");
    assert_eq!(named("artifacts.put").parent_span_id, put.span_id);
    let calls = spans
        .iter()
        .filter(|span| span.parent_span_id == put.span_id);
    assert_eq!(calls.count(), 128);
    let left_out = attribute(put, "host_calls_left_out").unwrap();
    assert!(left_out.parse::<u32>().unwrap() >= 72, "{left_out}");
}

#[test]
fn a_collector_that_is_not_there_does_not_fail_a_run() {
    let folder = stage();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let said = say(&folder, &["run", "inner.yaml", "--otlp", &address]).expect(0);
    let lost = format!("traces were lost: {address} does not take them");
    assert!(said.stderr.contains(&lost), "{}", said.stderr);
}

#[test]
fn what_is_no_collector_is_refused() {
    let folder = stage();
    for wrong in [
        "https://x",
        "localhost:4318",
        "http://",
        "http:///v1",
        "grpc://x",
    ] {
        let said = say(&folder, &["run", "inner.yaml", "--otlp", wrong]).expect(2);
        assert!(
            said.stderr.contains("http://localhost:4318"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn the_log_says_where_and_can_be_read_by_programs() {
    let folder = stage();
    let args = ["run", "w.yaml", "--id", "r-1", "--quiet", "--log", "debug"];
    let said = say(&folder, &[&args[..], &["--log-format", "json"]].concat()).expect(1);
    let lines = said.stderr.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ended = lines
        .iter()
        .find(|line| line["message"] == "the attempt ends" && line["status"] == "failed");
    let ended = ended.unwrap_or_else(|| panic!("{}", said.stderr));
    assert_eq!(ended["code"], "permanent");
    let spans = ended["spans"].as_array().unwrap();
    let names: Vec<_> = spans
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["run", "task", "attempt"]);
    assert_eq!(spans[0]["run"], "r-1");
    assert_eq!(spans[1]["task"], "wrong");
    assert_eq!(spans[2]["agent"], "fail");
    assert_eq!(spans[2]["attempt"], 1);

    let text = say(&folder, &args).expect(1).stderr;
    assert!(text.contains("the attempt ends"), "{text}");
    let wrong = say(&folder, &["run", "w.yaml", "--log-format", "xml"]).expect(2);
    assert!(
        wrong.stderr.contains("[possible values: text, json]"),
        "{}",
        wrong.stderr
    );
}
