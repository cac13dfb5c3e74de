//! Passwords and TLS, as a server demands them.

use std::process::Command;

use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Provider as _;
use salvor_contract::Values;
use salvor_postgres::Postgres as Provided;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::require;

use crate::support::Dumps;
use crate::support::at;
use crate::support::refusal;
use crate::support::run;

const PASSWORD: &str = "correct horse: battery\\staple";

/// A server that lets the role `app` in by password over TLS only; gives the file of the certificate that signed.
fn server() -> Option<(Postgres, std::path::PathBuf)> {
    let mut server = require(Postgres::builder(PostgresVersion::V15).start())?;
    let folder = server.directory().join("certificates");
    server.make_directory(&folder).expect("a folder");
    let openssl = |arguments: &[&str]| {
        let mut words = server.run_as();
        words.push("openssl".into());
        let status = Command::new(&words[0])
            .args(&words[1..])
            .args(arguments)
            .current_dir(&folder)
            .stderr(std::process::Stdio::null())
            .status();
        assert!(status.expect("openssl starts").success(), "{arguments:?}");
    };
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let ca = [
        "req", "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem",
    ];
    openssl(&[&ca[..], &key].concat());
    let request = [
        "req",
        "-subj",
        "/CN=server",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ];
    openssl(&[&request[..], &key].concat());
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
    let hba = server.data_dir().join("pg_hba.conf");
    let text = std::fs::read_to_string(&hba).expect("pg_hba.conf");
    let first = "hostssl all app all scram-sha-256\nhost all app all reject\n";
    std::fs::write(&hba, format!("{first}{text}")).expect("pg_hba.conf is written");
    let sql = format!(
        "create role app login password '{PASSWORD}';\n\
         alter system set ssl_cert_file = '{0}/server.pem';\n\
         alter system set ssl_key_file = '{0}/server.key';\n\
         alter system set ssl = on;",
        folder.display()
    );
    server.psql("postgres", &sql).expect("settings");
    server.stop().expect("it stops");
    server.start().expect("it starts again");
    Some((server, folder.join("ca.pem")))
}

#[test]
fn a_password_and_a_verified_server_are_demanded() {
    let Some((server, ca)) = server() else {
        return;
    };
    run(async {
        let surroundings = Surroundings::real_time()
            .secret("env:PASSWORD", PASSWORD)
            .secret("env:WRONG", "hunter2-canary");
        let ask = async |changes: &[(&str, &str)]| -> Result<Outcome, Error> {
            let mut with: Values = at(&server, "postgres")
                .with(
                    "sql",
                    "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
                )
                .with("user", "app")
                .with("password", "env:PASSWORD")
                .with("tls", "verify-full")
                .with("ca", ca.display().to_string());
            for (name, value) in changes {
                with.set(*name, *value);
            }
            let operation = operation("postgres.query", with);
            Provided::new()
                .perform(&operation, &surroundings.call())
                .await
        };
        let outcome = ask(&[]).await.expect("an answer");
        assert_eq!(outcome.outputs.text("value"), Some("t"));
        let wrong = refusal(ask(&[("password", "env:WRONG")]).await);
        assert!(
            wrong.contains("28P01") && !wrong.contains("canary"),
            "{wrong}"
        );
        let in_the_clear = refusal(ask(&[("tls", "disable")]).await);
        assert!(in_the_clear.contains("28000"), "{in_the_clear}");
        // The certificate is for 127.0.0.1, and signed by nobody that the system knows.
        let other_name = refusal(ask(&[("host", "localhost")]).await);
        assert!(other_name.contains("certificate"), "{other_name}");
        let mut without = at(&server, "postgres")
            .with("sql", "select 1")
            .with("user", "app");
        without.set("tls", "verify-full");
        without.set("password", "env:PASSWORD");
        let unknown = refusal(
            Provided::new()
                .perform(&operation("postgres.query", without), &surroundings.call())
                .await,
        );
        assert!(unknown.contains("certificate"), "{unknown}");

        // pg_dump gets the same password, by a file, and verifies the same server.
        let dumps = Dumps::new(&server);
        let take = Operation {
            store: Some(dumps.request.clone()),
            config: dumps.request.config.clone(),
            ..operation(
                "postgres.dump",
                at(&server, "postgres")
                    .with("user", "app")
                    .with("password", "env:PASSWORD")
                    .with("tls", "verify-full")
                    .with("ca", ca.display().to_string())
                    .with("key", "app.dump"),
            )
        };
        Provided::new()
            .perform(&take, &surroundings.call())
            .await
            .expect("a dump");
        assert!(!surroundings.scratch_dir().join("pgpass").exists());
    });
}
