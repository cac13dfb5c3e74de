//! Turns a request into the name of its operation, its parameters, and the shape that its errors have.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::http::Answer;
use crate::http::Request;
use crate::xml::Element;

/// How a service is spoken with, as the shape of its errors differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The Query protocol of AWS: a form goes in, XML comes out. RDS and STS.
    Query,
    /// The dialect of the Query protocol that EC2 speaks.
    Ec2,
    /// JSON 1.1 of AWS: KMS and CloudWatch Logs.
    Json,
    /// The XML of S3 and, where nothing else is known, of all others.
    Rest,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The action, else the method, a space and the target.
    pub(crate) name: String,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// The fields of the form, or the outermost ones of the JSON document as text.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Operation {
    /// Reads it from a request.
    pub(crate) fn of(request: &Request) -> Operation {
        if let Some(target) = request.header("X-Amz-Target") {
            let name = target.rsplit('.').next().unwrap_or_default();
            return Operation {
                name: name.to_owned(),
                protocol: Protocol::Json,
                parameters: json_fields(&request.body),
            };
        }
        let is_form = request
            .header("Content-Type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let parameters = if is_form {
            form_fields(&request.body)
        } else {
            BTreeMap::new()
        };
        match parameters.get("Action") {
            Some(action) => Operation {
                name: action.clone(),
                protocol: match parameters.get("Version").map(String::as_str) {
                    Some("2016-11-15") => Protocol::Ec2,
                    Some(_) | None => Protocol::Query,
                },
                parameters,
            },
            None => Operation {
                name: format!("{} {}", request.method, request.target),
                protocol: Protocol::Rest,
                parameters,
            },
        }
    }
}

fn form_fields(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn json_fields(body: &[u8]) -> BTreeMap<String, String> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return BTreeMap::new();
    };
    let text = |value: Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    fields
        .into_iter()
        .map(|(key, value)| (key, text(value)))
        .collect()
}

/// An error as a service answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status.
    pub(crate) status: u16,
    /// The code, which clients decide by.
    pub(crate) code: String,
    /// The message for people.
    pub(crate) message: String,
}

impl Refusal {
    /// Returns a refusal.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Returns the refusal of too many calls. EC2: "Request throttling for the Amazon EC2 API", S3: "Error responses";
    /// RDS: "Common errors" of its API reference.
    pub(crate) fn throttled(protocol: Protocol) -> Refusal {
        let (status, code) = match protocol {
            Protocol::Query => (400, "Throttling"),
            Protocol::Ec2 => (503, "RequestLimitExceeded"),
            Protocol::Json => (400, "ThrottlingException"),
            Protocol::Rest => (503, "SlowDown"),
        };
        Refusal::new(status, code, "Rate exceeded")
    }

    /// Returns the refusal of credentials whose time is over.
    pub(crate) fn token_expired(protocol: Protocol) -> Refusal {
        let (status, code) = match protocol {
            Protocol::Query => (403, "ExpiredToken"),
            Protocol::Ec2 => (400, "RequestExpired"),
            Protocol::Json => (400, "ExpiredTokenException"),
            Protocol::Rest => (400, "ExpiredToken"),
        };
        let message = "The security token included in the request is expired";
        Refusal::new(status, code, message)
    }

    /// Returns the internal error of a service.
    pub(crate) fn internal(protocol: Protocol) -> Refusal {
        let code = match protocol {
            Protocol::Query => "InternalFailure",
            Protocol::Ec2 | Protocol::Rest => "InternalError",
            Protocol::Json => "InternalFailureException",
        };
        Refusal::new(500, code, "An internal error has occurred")
    }

    /// Returns the answer in the shape of this protocol.
    pub(crate) fn answer(&self, protocol: Protocol) -> Answer {
        let Refusal {
            status,
            code,
            message,
        } = self;
        let error = || {
            Element::new("Error")
                .with("Code", code)
                .with("Message", message)
        };
        let body = match protocol {
            Protocol::Query => {
                let whose = if *status < 500 { "Sender" } else { "Receiver" };
                let error = Element::new("Error")
                    .with("Type", whose)
                    .with("Code", code)
                    .with("Message", message);
                let answer = Element::new("ErrorResponse").child(error);
                answer.with("RequestId", REQUEST_ID).plain()
            }
            Protocol::Ec2 => {
                let answer = Element::new("Response").list("Errors", [error()]);
                answer.with("RequestID", REQUEST_ID).plain()
            }
            Protocol::Json => {
                let body = serde_json::json!({ "__type": code, "message": message });
                return Answer::new(*status, "application/x-amz-json-1.1", body.to_string());
            }
            Protocol::Rest => error().with("RequestId", REQUEST_ID).plain(),
        };
        Answer::new(*status, "text/xml", body)
    }
}

/// The id of every answer: no test may tell two calls apart by it.
pub(crate) const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

#[cfg(test)]
mod tests {
    use super::Operation;
    use super::Protocol;
    use crate::http::Request;

    fn check(header: (&str, &str), body: &str, name: &str, protocol: Protocol) -> Operation {
        let request = Request {
            method: "POST".to_owned(),
            target: "/a?b".to_owned(),
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        let operation = Operation::of(&request);
        assert_eq!((&*operation.name, operation.protocol), (name, protocol));
        operation
    }

    #[test]
    fn the_operation_is_in_the_form_in_the_head_or_in_the_target() {
        let form = (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        let read = check(
            form,
            "Action=Do&Version=2014-10-31&A=b+c%3D",
            "Do",
            Protocol::Query,
        );
        assert_eq!(read.parameters["A"], "b c=");
        check(form, "Action=Do&Version=2016-11-15", "Do", Protocol::Ec2);
        let json = ("X-Amz-Target", "TrentService.DescribeKey");
        let read = check(
            json,
            r#"{"KeyId":"k","N":1}"#,
            "DescribeKey",
            Protocol::Json,
        );
        assert_eq!(read.parameters["N"], "1");
        check(("a", "b"), "", "POST /a?b", Protocol::Rest);
    }
}
