//! Turns requests to AWS into answers of its services: one listener for all of them, a world for each region.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;

use crate::ec2::Ec2;
use crate::http::Answer;
use crate::http::Request;
use crate::json;
use crate::json::Fields;
use crate::kms;
use crate::kms::Kms;
use crate::logs;
use crate::logs::Logs;
use crate::operation::Operation;
use crate::operation::Protocol;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::rds;
use crate::rds::Rds;
use crate::script::Script;
use crate::server::Delivery;
use crate::server::Server;
use crate::server::Service;
use crate::sts;
use crate::unpoisoned;

/// The account that everything belongs to.
pub const ACCOUNT: &str = "123456789012";

/// The region of [`Aws::rds`] and of requests that do not say theirs.
pub const REGION: &str = "us-east-1";

/// A fake of AWS on a loopback port. It takes any credentials. It ends when this value is dropped.
pub struct Aws {
    server: Server,
    account: Arc<Account>,
}

#[derive(Default)]
struct Account {
    script: Script,
    regions: Mutex<BTreeMap<String, Region>>,
}

/// What there is in a region.
struct Region {
    rds: Rds,
    kms: Kms,
    ec2: Ec2,
    logs: Logs,
}

impl Region {
    fn new(name: &str) -> Region {
        let rds = Rds::new(name);
        Region {
            kms: Kms::new(name),
            ec2: Ec2::new(name, rds.now),
            logs: Logs::new(),
            rds,
        }
    }
}

impl Aws {
    /// Starts one with nothing in it.
    ///
    /// # Errors
    /// The system gives no port.
    pub fn start() -> io::Result<Aws> {
        let account = Arc::<Account>::default();
        let server = Server::start(Arc::clone(&account) as Arc<dyn Service>)?;
        Ok(Aws { server, account })
    }

    /// Returns the URL, the same for all services.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Reads or changes the world of RDS in the region [`REGION`]. No call is answered meanwhile.
    pub fn rds<T>(&self, with: impl FnOnce(&mut Rds) -> T) -> T {
        self.rds_in(REGION, with)
    }

    /// Reads or changes the world of RDS in a region.
    pub fn rds_in<T>(&self, region: &str, with: impl FnOnce(&mut Rds) -> T) -> T {
        self.account
            .in_region(region, |region| with(&mut region.rds))
    }

    /// Reads or changes the keys of KMS in a region.
    pub fn kms_in<T>(&self, region: &str, with: impl FnOnce(&mut Kms) -> T) -> T {
        self.account
            .in_region(region, |region| with(&mut region.kms))
    }

    /// Reads or changes the volumes and snapshots of EBS in the region [`REGION`].
    pub fn ec2<T>(&self, with: impl FnOnce(&mut Ec2) -> T) -> T {
        self.account
            .in_region(REGION, |region| with(&mut region.ec2))
    }

    /// Reads or changes the log groups and export tasks in the region [`REGION`].
    pub fn logs<T>(&self, with: impl FnOnce(&mut Logs) -> T) -> T {
        self.account
            .in_region(REGION, |region| with(&mut region.logs))
    }

    /// Returns the faults and the log of calls, of all services and regions.
    pub fn script(&self) -> &Script {
        &self.account.script
    }
}

impl Account {
    fn in_region<T>(&self, name: &str, with: impl FnOnce(&mut Region) -> T) -> T {
        let mut regions = unpoisoned(&self.regions);
        let region = regions
            .entry(name.to_owned())
            .or_insert_with(|| Region::new(name));
        with(region)
    }

    fn perform(
        &self,
        region: &str,
        request: &Request,
        operation: &Operation,
    ) -> Result<Answer, Refusal> {
        let action = operation.name.as_str();
        let parameters = Parameters(&operation.parameters);
        let version = parameters.text("Version").unwrap_or_default();
        match (operation.protocol, version) {
            (Protocol::Query, rds::VERSION) => self.rds(region, action, parameters),
            (Protocol::Query, sts::VERSION) => sts::answer(action),
            (Protocol::Ec2, _) => {
                self.in_region(region, |region| region.ec2.answer(action, parameters))
            }
            (Protocol::Json, _) => self.json(region, request, action),
            (Protocol::Query | Protocol::Rest, _) => Err(unknown_action(action, version)),
        }
    }

    fn json(&self, region: &str, request: &Request, action: &str) -> Result<Answer, Refusal> {
        let invalid = |_| Refusal::new(400, "SerializationException", "the body is no JSON");
        let document: Value = serde_json::from_slice(&request.body).map_err(invalid)?;
        let fields = Fields(&document);
        let target = request.header("X-Amz-Target").unwrap_or_default();
        self.in_region(region, |region| {
            if target.starts_with(kms::TARGET) {
                region.kms.answer(action, fields)
            } else if target.starts_with(logs::TARGET) {
                region.logs.answer(action, fields)
            } else {
                Err(unknown_action(action, target))
            }
        })
        .map(|result| json::answer(&result))
    }

    fn rds(
        &self,
        region: &str,
        action: &str,
        parameters: Parameters<'_>,
    ) -> Result<Answer, Refusal> {
        let mut regions = unpoisoned(&self.regions);
        // Taken out, as it may read the worlds of the others.
        let mut own = regions
            .remove(region)
            .unwrap_or_else(|| Region::new(region));
        let elsewhere = |name: &str| regions.get(name).map(|region| region.rds.clone());
        let answer = own.rds.answer(action, parameters, &elsewhere);
        regions.insert(region.to_owned(), own);
        answer
    }
}

impl Service for Account {
    fn answer(&self, request: Request) -> Delivery {
        let region = region_of(&request).unwrap_or(REGION).to_owned();
        self.script.answer(&request, |request, operation| {
            self.perform(&region, request, operation)
                .unwrap_or_else(|refusal| refusal.answer(operation.protocol))
        })
    }

    fn end(&self) {
        self.script.end();
    }
}

/// Returns the region that a request is signed for: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn region_of(request: &Request) -> Option<&str> {
    let authorization = request.header("Authorization")?;
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split('/').nth(2)
}

/// Returns the refusal of an action that a service does not have, or this fake does not.
pub(crate) fn unknown_action(action: &str, version: &str) -> Refusal {
    let message = format!("Could not find operation {action} for version {version}");
    Refusal::new(400, "InvalidAction", message)
}
