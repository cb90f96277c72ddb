//! Typed access to the fields of a vector; a missing or odd one is a mistake in the vectors and panics.

use serde_json::Value;

/// Fields of a JSON object, bytes being hexadecimal.
pub(crate) trait Fields {
    fn field(&self, name: &str) -> &Value;
    fn maybe(&self, name: &str) -> Option<&Value>;

    fn text(&self, name: &str) -> &str {
        self.field(name).as_str().unwrap_or_else(|| panic!("`{name}` is no text"))
    }

    fn number(&self, name: &str) -> u64 {
        self.field(name).as_u64().unwrap_or_else(|| panic!("`{name}` is no number"))
    }

    /// A number that fits `T`.
    fn small<T: TryFrom<u64>>(&self, name: &str) -> T {
        self.number(name).try_into().unwrap_or_else(|_| panic!("`{name}` is out of range"))
    }

    fn signed(&self, name: &str) -> i32 {
        let number = self.field(name).as_i64().and_then(|number| number.try_into().ok());
        number.unwrap_or_else(|| panic!("`{name}` is no i32"))
    }

    fn holds(&self, name: &str) -> bool {
        self.field(name).as_bool().unwrap_or_else(|| panic!("`{name}` is no truth value"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        bytes(self.field(name))
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        let bytes = self.bytes(name);
        bytes.try_into().unwrap_or_else(|bytes: Vec<u8>| panic!("`{name}` has {} bytes, not {N}", bytes.len()))
    }

    fn list(&self, name: &str) -> &[Value] {
        self.field(name).as_array().unwrap_or_else(|| panic!("`{name}` is no list"))
    }
}

impl Fields for Value {
    fn field(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| panic!("no `{name}` in {self}"))
    }

    fn maybe(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }
}

/// Reads hexadecimal digits.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let hex = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}
