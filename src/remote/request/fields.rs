//! A request's fields, each looked at before it is used, with obs-websocket's status codes. Pure.

use super::{Refused, refused};
use crate::remote::protocol::Status;
use serde_json::Value;

/// `requestData`, whatever it is.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub Option<&'a Value>);

impl<'a> Fields<'a> {
    /// A field that is there and not null.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name).filter(|value| !value.is_null())
    }

    fn needed(self, name: &str) -> Result<&'a Value, Refused> {
        if !self.0.is_some_and(Value::is_object) {
            let why = "this request needs `requestData`, an object";
            return Err(refused(Status::MissingRequestData, why));
        }
        self.get(name)
            .ok_or_else(|| refused(Status::MissingRequestField, format!("`{name}` is missing")))
    }

    /// A text that is not empty.
    pub fn text(self, name: &str) -> Result<&'a str, Refused> {
        text(name, self.needed(name)?)
    }

    /// The same where it may be left out.
    pub fn optional_text(self, name: &str) -> Result<Option<&'a str>, Refused> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    /// A number in bounds.
    pub fn number(self, name: &str, low: f64, high: f64) -> Result<f64, Refused> {
        number(name, self.needed(name)?, low, high)
    }

    /// The same where it may be left out.
    pub fn optional_number(self, name: &str, low: f64, high: f64) -> Result<Option<f64>, Refused> {
        self.get(name)
            .map(|value| number(name, value, low, high))
            .transpose()
    }

    /// True or false.
    pub fn boolean(self, name: &str) -> Result<bool, Refused> {
        let value = self.needed(name)?;
        value.as_bool().ok_or_else(|| {
            let why = format!("`{name}` must be true or false");
            refused(Status::InvalidRequestFieldType, why)
        })
    }

    /// An object.
    pub fn object(self, name: &str) -> Result<&'a Value, Refused> {
        let value = self.needed(name)?;
        if value.is_object() {
            return Ok(value);
        }
        let why = format!("`{name}` must be an object");
        Err(refused(Status::InvalidRequestFieldType, why))
    }
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Refused> {
    let Some(text) = value.as_str() else {
        let why = format!("`{name}` must be a text");
        return Err(refused(Status::InvalidRequestFieldType, why));
    };
    if text.is_empty() {
        let why = format!("`{name}` must not be empty");
        return Err(refused(Status::RequestFieldEmpty, why));
    }
    Ok(text)
}

fn number(name: &str, value: &Value, low: f64, high: f64) -> Result<f64, Refused> {
    let Some(number) = value.as_f64() else {
        let why = format!("`{name}` must be a number");
        return Err(refused(Status::InvalidRequestFieldType, why));
    };
    if (low..=high).contains(&number) {
        return Ok(number);
    }
    let why = format!("`{name}` is {number}: it must be from {low} to {high}");
    Err(refused(Status::RequestFieldOutOfRange, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_fault_has_its_code() {
        let data = json!({"a": "x", "empty": "", "n": 5, "b": true, "null": null, "o": {}});
        let fields = Fields(Some(&data));
        let code = |answer: Result<(), Refused>| answer.unwrap_err().status as u16;
        assert_eq!(fields.text("a").unwrap(), "x");
        assert_eq!(fields.number("n", 0.0, 5.0).unwrap(), 5.0);
        assert!(fields.boolean("b").unwrap());
        assert!(fields.object("o").is_ok());
        assert_eq!(fields.optional_text("null").unwrap(), None);
        assert_eq!(fields.optional_number("none", 0.0, 1.0).unwrap(), None);
        assert_eq!(code(fields.text("null").map(drop)), 300);
        assert_eq!(code(fields.text("n").map(drop)), 401);
        assert_eq!(code(fields.text("empty").map(drop)), 403);
        assert_eq!(code(fields.number("n", 0.0, 4.9).map(drop)), 402);
        assert_eq!(code(fields.number("a", 0.0, 4.9).map(drop)), 401);
        assert_eq!(code(fields.boolean("n").map(drop)), 401);
        assert_eq!(code(fields.object("b").map(drop)), 401);
        for none in [None, Some(&json!("text"))] {
            assert_eq!(code(Fields(none).text("a").map(drop)), 301);
        }
    }
}
