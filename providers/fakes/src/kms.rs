//! Turns calls of the API of AWS KMS into uses of keys that a test has scripted.
//!
//! What an emulator leaves out: a key that is disabled or waits for its deletion refuses to be used, and a key of several
//! regions opens in each of them what another one closed. Nothing is encrypted: a ciphertext is the plaintext with the
//! name of the key and the context. Source of shapes, states and codes: the API reference,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html>, and "Key states of AWS KMS keys" of the developer
//! guide, <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::aws::ACCOUNT;
use crate::json::Fields;
use crate::operation::Refusal;

/// What begins the target of its calls.
pub(crate) const TARGET: &str = "TrentService.";

/// The actions that this fake answers.
pub const ACTIONS: [&str; 5] = [
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "ListAliases",
];

/// The codes of errors that this fake sends.
pub const CODES: [&str; 5] = [
    "DisabledException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "KMSInvalidStateException",
    "NotFoundException",
];

/// A key.
#[derive(Clone, Debug)]
pub struct Key {
    /// The id: a UUID, or `mrk-` and 32 digits for a key of several regions.
    pub id: String,
    /// Its names, with `alias/`.
    pub aliases: Vec<String>,
    /// Its state: `Enabled`, `Disabled`, `PendingDeletion`, `PendingReplicaDeletion`, `Unavailable` and others.
    pub state: String,
    /// When it will be deleted.
    pub deletion: Option<Timestamp>,
    /// The regions of the key, the one of the primary first. Empty: it is a key of one region.
    pub regions: Vec<String>,
}

impl Key {
    /// Returns an enabled key of one region.
    pub fn new(id: &str) -> Key {
        Key {
            id: id.to_owned(),
            aliases: Vec::new(),
            state: "Enabled".to_owned(),
            deletion: None,
            regions: Vec::new(),
        }
    }
}

/// The keys of one region.
#[derive(Clone, Debug)]
pub struct Kms {
    /// The region.
    pub region: String,
    /// The keys by their ids.
    pub keys: BTreeMap<String, Key>,
    made: u32,
}

/// What a ciphertext holds.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    key: String,
    context: BTreeMap<String, Value>,
    plaintext: String,
}

impl Kms {
    pub(crate) fn new(region: &str) -> Kms {
        Kms {
            region: region.to_owned(),
            keys: BTreeMap::new(),
            made: 0,
        }
    }

    /// Adds a key.
    pub fn add_key(&mut self, key: Key) {
        self.keys.insert(key.id.clone(), key);
    }

    /// Answers a call.
    pub(crate) fn answer(&mut self, action: &str, fields: Fields<'_>) -> Result<Value, Refusal> {
        match action {
            "DescribeKey" => {
                let key = self.key(fields.required("KeyId")?)?;
                Ok(json!({ "KeyMetadata": self.metadata(key) }))
            }
            "ListAliases" => self.list_aliases(fields),
            "Encrypt" => {
                let plaintext = fields.required("Plaintext")?.to_owned();
                self.seal(fields, plaintext)
            }
            "GenerateDataKey" => self.generate_data_key(fields),
            "Decrypt" => self.decrypt(fields),
            _ => Err(crate::aws::unknown_action(action, TARGET)),
        }
    }

    fn arn(&self, key: &Key) -> String {
        arn(&self.region, &key.id)
    }

    /// Finds a key by its id, its ARN, an alias or the ARN of an alias.
    fn key(&self, text: &str) -> Result<&Key, Refusal> {
        let local = match text.strip_prefix("arn:") {
            Some(rest) => rest.splitn(5, ':').last().unwrap_or_default(),
            None => text,
        };
        let is_elsewhere =
            text.starts_with("arn:") && !text.contains(&format!(":{}:", self.region));
        let found = self.keys.values().find(|key| {
            key.id == local.trim_start_matches("key/")
                || key.aliases.iter().any(|alias| alias == local)
        });
        found.filter(|_| !is_elsewhere).ok_or_else(|| {
            let message = format!("Key '{text}' does not exist");
            Refusal::new(400, "NotFoundException", message)
        })
    }

    /// Finds a key that can be used.
    fn usable(&self, text: &str) -> Result<&Key, Refusal> {
        let key = self.key(text)?;
        let arn = self.arn(key);
        match key.state.as_str() {
            "Enabled" => Ok(key),
            "Disabled" => {
                let message = format!("{arn} is disabled.");
                Err(Refusal::new(400, "DisabledException", message))
            }
            state => {
                let message = format!("{arn} is {state}.");
                Err(Refusal::new(400, "KMSInvalidStateException", message))
            }
        }
    }

    fn metadata(&self, key: &Key) -> Value {
        let mut metadata = json!({
            "AWSAccountId": ACCOUNT,
            "KeyId": key.id,
            "Arn": self.arn(key),
            "CreationDate": 1_767_571_200,
            "Enabled": key.state == "Enabled",
            "Description": "",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": key.state,
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": !key.regions.is_empty(),
        });
        if let Some(deletion) = key.deletion {
            metadata["DeletionDate"] = deletion.as_second().into();
        }
        if let Some((primary, replicas)) = key.regions.split_first() {
            let of = |region: &String| json!({ "Arn": arn(region, &key.id), "Region": region });
            let is_primary = *primary == self.region;
            metadata["MultiRegionConfiguration"] = json!({
                "MultiRegionKeyType": if is_primary { "PRIMARY" } else { "REPLICA" },
                "PrimaryKey": of(primary),
                "ReplicaKeys": replicas.iter().map(of).collect::<Vec<_>>(),
            });
        }
        metadata
    }

    fn list_aliases(&self, fields: Fields<'_>) -> Result<Value, Refusal> {
        let wanted = fields
            .text("KeyId")
            .map(|text| self.key(text))
            .transpose()?;
        let mut aliases = Vec::new();
        for key in self.keys.values() {
            if wanted.is_some_and(|wanted| wanted.id != key.id) {
                continue;
            }
            for alias in &key.aliases {
                aliases.push(json!({
                    "AliasName": alias,
                    "AliasArn": format!("arn:aws:kms:{}:{ACCOUNT}:{alias}", self.region),
                    "TargetKeyId": key.id,
                }));
            }
        }
        Ok(json!({ "Aliases": aliases, "Truncated": false }))
    }

    fn generate_data_key(&mut self, fields: Fields<'_>) -> Result<Value, Refusal> {
        self.made += 1;
        let length = match fields.text("KeySpec") {
            Some("AES_128") => 16,
            Some(_) | None => 32,
        };
        // Not secret, only different each time.
        let bytes: Vec<u8> = self
            .made
            .to_be_bytes()
            .into_iter()
            .cycle()
            .take(length)
            .collect();
        let plaintext = STANDARD.encode(bytes);
        let mut answer = self.seal(fields, plaintext.clone())?;
        answer["Plaintext"] = plaintext.into();
        if let Some(fields) = answer.as_object_mut() {
            fields.remove("EncryptionAlgorithm");
        }
        Ok(answer)
    }

    fn seal(&self, fields: Fields<'_>, plaintext: String) -> Result<Value, Refusal> {
        let key = self.usable(fields.required("KeyId")?)?;
        let sealed = Sealed {
            key: key.id.clone(),
            context: context(fields),
            plaintext,
        };
        let sealed = serde_json::to_vec(&sealed).expect("texts can be written as JSON");
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(sealed),
            "KeyId": self.arn(key),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    fn decrypt(&self, fields: Fields<'_>) -> Result<Value, Refusal> {
        let invalid = || Refusal::new(400, "InvalidCiphertextException", "");
        let bytes = STANDARD.decode(fields.required("CiphertextBlob")?);
        let sealed: Sealed =
            serde_json::from_slice(&bytes.map_err(|_| invalid())?).map_err(|_| invalid())?;
        // A key of another region with the same id is a replica: it opens what this one closed.
        let key = self.usable(&sealed.key)?;
        if let Some(named) = fields.text("KeyId")
            && self.key(named)?.id != key.id
        {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(Refusal::new(400, "IncorrectKeyException", message));
        }
        if sealed.context != context(fields) {
            return Err(invalid());
        }
        Ok(json!({
            "KeyId": self.arn(key),
            "Plaintext": sealed.plaintext,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }
}

fn arn(region: &str, id: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}")
}

/// Returns the context of a call, whose order does not count; where it is none an empty one.
fn context(fields: Fields<'_>) -> BTreeMap<String, Value> {
    let context = fields.value("EncryptionContext").and_then(Value::as_object);
    let own = |(key, value): (&String, &Value)| (key.clone(), value.clone());
    context.into_iter().flatten().map(own).collect()
}
