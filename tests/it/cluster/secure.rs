//! TLS and credentials.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::util::{Dir, Output, skipped, tools, until};

/// The small server with TLS, which refuses requests without the token as Milvus does.
const SERVER: &str = r#"
import base64, sys
from concurrent import futures
import grpc
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from pymilvus.grpc_gen import milvus_pb2_grpc
address, data, key, certificate, token = sys.argv[1:]
class Token(grpc.ServerInterceptor):
    def intercept_service(self, go_on, request):
        given = dict(request.invocation_metadata).get("authorization")
        if given == base64.b64encode(token.encode()).decode():
            return go_on(request)
        def refuse(request, context):
            message = "auth check failure, please check username and password are correct"
            context.abort(grpc.StatusCode.UNAUTHENTICATED, message)
        return grpc.unary_unary_rpc_method_handler(refuse)
server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[Token()])
milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(MilvusLite(data)), server)
files = [(open(key, "rb").read(), open(certificate, "rb").read())]
server.add_secure_port(address, grpc.ssl_server_credentials(files))
server.start()
server.wait_for_termination()
"#;

const TOKEN: &str = "reader:opensesame-8151";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A server with a certificate for 127.0.0.1 that it has signed itself, in `certificate.pem`. `None` if it or `openssl` is
/// not installed.
fn start(dir: &Dir) -> Option<(Server, u16)> {
    let python = tools("milvus")?.join("python/bin/python");
    let path = |name: &str| dir.path().join(name);
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]);
    openssl.arg(path("key.pem")).arg("-out").arg(path("certificate.pem")).stderr(Stdio::null());
    match openssl.status() {
        Ok(status) => assert!(status.success()),
        Err(_) => {
            skipped("openssl is not installed");
            return None;
        }
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(python);
    command.args(["-c", SERVER, &format!("127.0.0.1:{port}")]);
    command.args([path("data"), path("key.pem"), path("certificate.pem")]).arg(TOKEN);
    let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Server(process);
    until("the server", || TcpStream::connect(("127.0.0.1", port)).ok());
    Some((server, port))
}

/// Runs the program with variables, and makes sure that it does not write a token.
fn run(dir: &Dir, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = dir.command(args);
    command.env_remove("RQSEARCH_MILVUS_TOKEN").env_remove("SSL_CERT_FILE").envs(variables.iter().copied());
    let output = Output::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()), b"");
    for secret in ["opensesame", "not-the-one", "b3BlbnNlc2FtZ"] {
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{output:?}");
    }
    output
}

#[test]
fn a_cluster_is_used_with_tls_and_a_token() {
    let dir = Dir::indexed();
    let Some((_server, port)) = start(&dir) else { return };
    let remote = format!("milvuss://127.0.0.1:{port}/faq");
    let (trusted, token) = (("SSL_CERT_FILE", "certificate.pem"), ("RQSEARCH_MILVUS_TOKEN", TOKEN));
    run(&dir, &["copy", ".rqsearch", &remote], &[trusted, token]).success();
    let search = ["--json", "when to prune roses", "--index", &remote];
    let output = run(&dir, &search, &[trusted, token]).success();
    assert!(output.stdout.contains("When should I prune roses?"));
    fs::write(dir.path().join("token"), format!("{TOKEN}\n")).unwrap();
    run(&dir, &search, &[trusted, ("RQSEARCH_MILVUS_TOKEN_FILE", "token")]).success();
    run(&dir, &["doctor", "--index", &remote], &[trusted, token]);

    for wrong in [&[trusted][..], &[trusted, ("RQSEARCH_MILVUS_TOKEN", "reader:not-the-one")]] {
        run(&dir, &search, wrong)
            .exits(2)
            .says("does not accept the credentials")
            .says("set RQSEARCH_MILVUS_TOKEN");
    }
    run(&dir, &search, &[trusted, ("RQSEARCH_MILVUS_TOKEN_FILE", "none")])
        .exits(2)
        .says("could not read none");
    run(&dir, &search, &[token]).exits(2).says("certificate").says("SSL_CERT_FILE");
    // A name that the certificate does not have, and a connection without TLS.
    let named = remote.replace("127.0.0.1", "ip6-localhost");
    run(&dir, &["roses", "--index", &named], &[trusted, token]).exits(2);
    run(&dir, &["roses", "--index", &remote.replace("milvuss", "milvus")], &[trusted, token])
        .exits(2)
        .says("does not answer");
}
