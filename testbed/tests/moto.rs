//! moto starts and ends, and a Python program reaches it with boto3.

use std::net::TcpStream;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use salvor_testbed::Boto3;
use salvor_testbed::Moto;
use salvor_testbed::require;

#[test]
fn a_python_program_reaches_moto_until_it_is_killed() -> Result<()> {
    let Some(mut server) = require(Moto::start()) else {
        return Ok(());
    };
    let endpoint = server.endpoint();
    let boto3 = Boto3::install()?;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto.py");
    let output = boto3.run(&program, &[&endpoint, "first"])?;
    assert_eq!(output.trim(), "first available");

    let error = boto3
        .run(&program, &[&endpoint, "first"])
        .expect_err("the name is taken");
    assert!(
        format!("{error:#}").contains("DBInstanceAlreadyExists"),
        "{error:#}"
    );

    server.kill()?;
    let address = endpoint
        .strip_prefix("http://")
        .context("the endpoint is plain HTTP")?;
    assert!(TcpStream::connect(address).is_err());
    Ok(())
}
