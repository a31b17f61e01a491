//! What a form or a query says: names and values in their order.

/// Largest form that is read, in bytes.
pub(super) const FORM_BYTES_MAX: usize = 1 << 20;

/// Names and values, as a browser sends them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`, which any bytes are.
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// Adds a value, for forms that come in another shape.
    pub(super) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// The first value of this name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// All values of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.0.iter();
        pairs
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether this name was sent at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// All names and values.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// As a query without empty values and without some names.
    pub(super) fn query_without(&self, names: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.pairs() {
            if !value.is_empty() && !names.contains(&name) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

/// A path with a query; without `?` if there is none.
pub(super) fn address(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_their_order_and_decoded() {
        let form = Form::read("a=1&b=%E8%8A%B3+x&a=2&c".as_bytes());
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.get("b"), "芳 x");
        assert!(form.has("c") && !form.has("d"));
        assert_eq!(form.query_without(&["a"]), "b=%E8%8A%B3+x");
        assert_eq!(address("/records", "b=1"), "/records?b=1");
        assert_eq!(address("/records", ""), "/records");
    }
}
